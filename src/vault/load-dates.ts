import type { Satellite } from './entity.ts';

/**
 * SQL for the load dates of the rows under a hash key. With them a condition finds rows of partitioned tables by their
 * primary key, which begins with load_date.
 * @param satellite a partitioned satellite
 * @param key SQL for the hash key
 */
export const loadDatesText = ({ name, hash_key }: Satellite, key: string): string =>
  `select util.load_dates_of('${name}', '${hash_key}', ${key})`;
