/** A statement for postgres.js's `unsafe`. */
export interface Statement {
  readonly text: string;
  readonly values: (string | null)[];
}

/**
 * SQL with `:name` parameters as a statement with numbered ones. Casts (`::text`) stay unchanged.
 * @throws RangeError if the SQL names a missing parameter
 */
export const bindParameters = (sql: string, parameters: Readonly<Record<string, string | null>>): Statement => {
  const names: string[] = [];
  const text = sql.replace(/(?<!:):([a-z_]+)/g, (_, name: string) => {
    if (!Object.hasOwn(parameters, name))
      throw new RangeError(`the report's SQL names :${name}, which it is not given`);
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  return { text, values: names.map((name) => parameters[name]!) };
};
