import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { OneVaultError } from '../../core/errors.ts';
import { isReachable, type Reach } from './address-ranges.ts';

/** Prevents that addresses of customers lead into the operator's own network. */
export interface AddressGuard {
  /**
   * Checks the text of a base URL.
   * @throws OneVaultError invalid_request with `param` base_url that names the fault and its cure
   */
  checkUrl(base_url: string): void;
  /**
   * Resolves names for the connections to one base URL. The connection uses the addresses that were checked here, so a
   * later change of the name has no effect.
   */
  lookupFor(base_url: string): LookupFunction;
}

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

export interface AddressGuardOptions {
  /**
   * Hosts (`vllm.corp.example`, `10.0.0.5`, `[fd00::5]:8000`) that an administrator allowed: private ones, and http.
   */
  readonly allowed_hosts: readonly string[];
  /** Replaces the system's resolver. */
  readonly resolve?: (hostname: string) => Promise<readonly ResolvedAddress[]>;
}

export const createAddressGuard = (options: AddressGuardOptions): AddressGuard => {
  const allowed = new Set(options.allowed_hosts.map((host) => host.toLowerCase()));
  const resolve = options.resolve ?? ((hostname) => systemLookup(hostname, { all: true }));
  const isAllowed = (url: URL): boolean => allowed.has(url.host) || allowed.has(url.hostname);
  /** An address may be one of this machine only if an administrator allowed the address itself. */
  const reachOf = (url: URL): Reach => {
    if (!isAllowed(url)) return 'public';
    return literalOf(url) === null ? 'private' : 'any';
  };
  return {
    checkUrl: (base_url) => {
      const url = canonicalUrl(base_url);
      const is_allowed = isAllowed(url);
      if (url.protocol !== 'https:' && !(url.protocol === 'http:' && is_allowed)) {
        throw invalidUrl(`base_url must start with https://${url.protocol === 'http:' ? UNLESS_ALLOWED : ''}.`);
      }
      if (!is_allowed && !isOpenPort(url)) throw invalidUrl(`Port ${url.port} is not allowed in base_url: use 443.`);
      const literal = literalOf(url);
      if (literal === null && !is_allowed) checkName(url.hostname);
      if (literal !== null && !isReachable(literal, reachOf(url))) throw invalidUrl(NOT_PUBLIC);
    },
    lookupFor: (base_url) => {
      const url = new URL(base_url);
      const reach = reachOf(url);
      return (hostname, { all, family }, callback) => {
        resolve(hostname).then(
          (found) => {
            // One internal address is enough to refuse the name, so the other addresses are not tried.
            if (!found.every(({ address }) => isReachable(address, reach))) {
              callback(notReachableError(), '');
              return;
            }
            const wanted = found.filter((each) => family === undefined || !isOther(each, family));
            const [first] = wanted;
            if (first === undefined) callback(notFoundError(hostname), '');
            else if (all === true)
              callback(
                null,
                wanted.map(({ address, family: f }) => ({ address, family: f })),
              );
            else callback(null, first.address, first.family);
          },
          (error: NodeJS.ErrnoException) => callback(error, ''),
        );
      };
    },
  };
};

const isOther = ({ family }: ResolvedAddress, wanted: number | string): boolean =>
  wanted === 4 || wanted === 'IPv4' ? family !== 4 : (wanted === 6 || wanted === 'IPv6') && family !== 6;

const UNLESS_ALLOWED = ', unless an administrator names its host in ONEVAULT_ALLOWED_UPSTREAM_HOSTS';
const NOT_PUBLIC = `The host of base_url must be public${UNLESS_ALLOWED}.`;

const invalidUrl = (details: string): OneVaultError =>
  new OneVaultError('invalid_request', { param: 'base_url', details });

// The message omits the address, because it would reveal the operator's network.
const notReachableError = (): OneVaultError =>
  new OneVaultError('provider_unreachable', { param: 'base_url', details: NOT_PUBLIC });

const notFoundError = (hostname: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`no address of ${hostname}`), { code: 'ENOTFOUND' });

/**
 * A URL in its canonical form. Parsers disagree about decimal and octal addresses, unusual dots, other scripts and the
 * like: one parser would check another host than the next one connects to.
 */
const canonicalUrl = (base_url: string): URL => {
  if (!URL.canParse(base_url)) throw invalidUrl('base_url is not a URL: write it as https://api.example.com/v1.');
  const url = new URL(base_url);
  if (url.username !== '' || url.password !== '')
    throw invalidUrl('base_url contains a user name or a password: leave them out.');
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(base_url)) {
    throw invalidUrl('base_url contains a query or a fragment: leave them out.');
  }
  if (url.href !== base_url && url.href !== `${base_url}/`) {
    throw invalidUrl(`base_url is not in its canonical form: write it as ${url.href.replace(/\/+$/, '')}.`);
  }
  if (url.hostname.endsWith('.')) throw invalidUrl('The host of base_url ends with a dot: leave it out.');
  return url;
};

/** The host if it is an address, without the brackets of IPv6; null if it is a name. */
const literalOf = ({ hostname }: URL): string | null => {
  const bare = hostname.replace(/^\[|\]$/g, '');
  return isIP(bare) === 0 ? null : bare;
};

// Names that no public resolver knows (RFC 6761, RFC 6762, RFC 8375, RFC 9476, and .internal, which ICANN reserves).
const INSIDE_NAME = /^[^.]+$|\.(?:localhost|local|internal|home\.arpa|alt|test|invalid|example|onion)$/;

const checkName = (hostname: string): void => {
  if (INSIDE_NAME.test(hostname)) throw invalidUrl(NOT_PUBLIC);
};

// Ports that browsers refuse, because a server there may take a request for a message of its own protocol (WHATWG
// Fetch, "port blocking"); below 1024 only the port of HTTPS is allowed.
const BAD_PORTS: ReadonlySet<number> = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);
const FIRST_FREE_PORT = 1_024;

const isOpenPort = ({ port }: URL): boolean =>
  port === '' || (Number(port) >= FIRST_FREE_PORT && !BAD_PORTS.has(Number(port)));
