import type { RouteContract } from '../../http/route.ts';
import { code, pageHead, table } from './markdown.ts';

const INTRO = `The whole contract, with every schema, is the OpenAPI 3.1 document at \`GET /openapi.json\`.

- **Credentials.** \`Authorization: Bearer sk_…\`. The permission of each path stands in its row; "none" needs no key.
- **Versions.** Paths below \`/v1\` are canonical. An alias takes the version from \`Accept: application/vnd.onevault.v1+json\` or \`?version=1\`.
- **Bodies.** A single resource is \`{ "data", "meta" }\`, a list is \`{ "data", "meta", "links" }\`. Gateway paths keep the bodies and errors of their protocol.
- **Errors.** [Errors](errors.md) has every code.`;

/** docs/reference/api.md */
export const apiPage = (routes: readonly RouteContract[]): string => {
  const sections = [...Map.groupBy(routes, sectionOf)].map(([name, listed]) => `\n## ${name}\n\n${routeTable(listed)}`);
  return `${pageHead('the contracts of the routes', 'API', INTRO)}${sections.join('')}`;
};

const sectionOf = ({ plane, path }: RouteContract): string => {
  if (plane === 'gateway') return 'Gateway';
  const [first = '', second = ''] = path.split('/').slice(1);
  const subject = first === 'v1' ? second : first;
  const words = subject.replace(/\.\w+$/, '').replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const routeTable = (routes: readonly RouteContract[]): string =>
  table(
    ['method', 'path', 'does', 'permission'],
    routes.map((route) => [
      route.method.toUpperCase(),
      [route.path, ...(route.aliases ?? [])].map((path) => code(path.replaceAll(/\/:(\w+)/g, '/{$1}'))).join(', '),
      route.deprecated === undefined ? route.summary : `${route.summary} (deprecated)`,
      route.permission === null ? 'none' : code(route.permission),
    ]),
  );
