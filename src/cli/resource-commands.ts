import { existsSync, readFileSync } from 'node:fs';
import { InputError } from '../core/input-error.ts';
import type { Config } from '../server/config.ts';
import { dataPaths } from '../server/paths.ts';

/** The address of a running product, and the API key for it. */
interface Access {
  readonly url?: string;
  readonly keyFile?: string;
}

export interface GetOptions extends Access {
  readonly applied?: string;
  readonly known?: string;
  readonly fields?: string;
  readonly history?: boolean;
}

export interface ListOptions extends Access {
  readonly filter?: readonly string[];
  readonly sort?: string;
  readonly fields?: string;
  readonly applied?: string;
  readonly known?: string;
  readonly all?: boolean;
}

/** `onevault get RESOURCE ID…`: prints one resource, or its history, as JSON. */
export const getCommand = async (
  config: Config,
  resource: string,
  id: readonly string[],
  { history, url, keyFile, ...query }: GetOptions,
): Promise<void> => {
  const request = connectTo(config, { url, keyFile });
  const path = pathOf(resource, history === true ? [...id, 'history'] : id);
  const { data } = await request(`${path}${queryText(Object.entries(query))}`);
  print(data);
};

/** `onevault list RESOURCE`: prints one page of a list, or all pages, as JSON. */
export const listCommand = async (
  config: Config,
  resource: string,
  { filter = [], all, url, keyFile, ...query }: ListOptions,
): Promise<void> => {
  const request = connectTo(config, { url, keyFile });
  const filters = filter.map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at < 1) throw new InputError(`--filter ${text}: write it as FIELD=VALUE, or as FIELD[gt]=VALUE`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
  const rows: unknown[] = [];
  let next: string | null = `${pathOf(resource, [])}${queryText([...filters, ...Object.entries(query)])}`;
  while (next !== null) {
    const { data, links } = await request(next);
    rows.push(...(data as unknown[]));
    next = all === true ? (links?.next ?? null) : null;
  }
  print(rows);
};

/** The used part of a response. */
interface ResponseBody {
  readonly data: unknown;
  readonly links?: { readonly next: string | null };
}

type SendRequest = (path: string) => Promise<ResponseBody>;

/** @throws InputError if no product is known, if it does not answer, or if it refuses the request */
const connectTo = (config: Config, access: { url: string | undefined; keyFile: string | undefined }): SendRequest => {
  const demo = demoOf(config);
  const url = access.url ?? demo?.url;
  const key = access.keyFile === undefined ? demo?.admin_key : readKey(access.keyFile);
  if (url === undefined || key === undefined) {
    throw new InputError('no product is known here: name its --url, and a --key-file that holds an API key');
  }
  return async (path) => {
    const headers = { authorization: `Bearer ${key}`, accept: 'application/json' };
    const response = await fetch(new URL(path, url), { headers }).catch((error: Error) => {
      throw new InputError(`${url} does not answer: ${((error.cause as Error | undefined) ?? error).message}`);
    });
    const body = (await response.json().catch(() => null)) as (ResponseBody & { error?: { message: string } }) | null;
    if (response.ok && body !== null && 'data' in body) return body;
    throw new InputError(`${url} answered ${response.status}: ${body?.error?.message ?? 'no JSON of OneVault'}`);
  };
};

const demoOf = ({ data_dir }: Config): { readonly url: string; readonly admin_key: string } | null => {
  const { demo } = dataPaths(data_dir);
  return existsSync(demo) ? JSON.parse(readFileSync(demo, 'utf8')) : null;
};

const readKey = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new InputError(`--key-file: ${(error as Error).message}`);
  }
};

const pathOf = (resource: string, id: readonly string[]): string =>
  `/v1/${[...resource.split('/'), ...id].map(encodeURIComponent).join('/')}`;

const queryText = (entries: readonly (readonly [string, unknown])[]): string => {
  const query = new URLSearchParams(
    entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
  return query.size === 0 ? '' : `?${query}`;
};

const print = (value: unknown): void => console.log(JSON.stringify(value, null, 2));
