import { createReadStream, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Router from '@koa/router';
import type { Context } from 'koa';
import { OneVaultError } from '../core/errors.ts';
import type { RouteContract } from './route.ts';

/** A page that shows /openapi.json: its HTML, its own script and the files of the package that renders it. */
interface ApiBrowser {
  readonly path: '/docs' | '/redoc';
  readonly title: string;
  readonly body: string;
  readonly script: string;
  readonly styles: readonly string[];
  /** Files by name below `<path>/assets/`. */
  readonly files: Readonly<Record<string, string>>;
}

const folderOf = (package_name: string): string =>
  dirname(fileURLToPath(import.meta.resolve(`${package_name}/package.json`)));

const swaggerUi = (): ApiBrowser => ({
  path: '/docs',
  title: 'OneVault Gateway: API',
  body: '<div id="swagger-ui"></div>',
  // Try-it sends the key that the reader enters and never a cookie.
  script: `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  requestInterceptor: (request) => Object.assign(request, { credentials: 'omit' }),
});
`,
  styles: ['swagger-ui.css'],
  files: {
    'swagger-ui.css': join(folderOf('swagger-ui-dist'), 'swagger-ui.css'),
    'swagger-ui-bundle.js': join(folderOf('swagger-ui-dist'), 'swagger-ui-bundle.js'),
  },
});

const redoc = (): ApiBrowser => ({
  path: '/redoc',
  title: 'OneVault Gateway: API reference',
  body: '<div id="redoc"></div>',
  // The search needs a worker from a blob, which the content security policy forbids.
  script: `Redoc.init('/openapi.json', { disableSearch: true, disableGoogleFont: true }, document.getElementById('redoc'));
`,
  styles: [],
  files: { 'redoc.standalone.js': join(folderOf('redoc'), 'bundles', 'redoc.standalone.js') },
});

const START_SCRIPT = 'start.js';
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};
const CACHED_S = 86_400;

/** `GET /docs` (Swagger UI, with try-it) and `GET /redoc` (Redoc), with their own files only. */
export const apiBrowsers = (): Router => {
  const router = new Router();
  for (const browser of [swaggerUi(), redoc()]) {
    const page = pageOf(browser);
    router.get(browser.path, (ctx) => {
      protect(ctx);
      ctx.type = 'text/html; charset=utf-8';
      ctx.body = page;
    });
    router.get(`${browser.path}/assets/:name`, (ctx) => sendAsset(ctx, browser));
  }
  return router;
};

const sendAsset = (ctx: Context & { params: Record<string, string> }, browser: ApiBrowser): void => {
  const name = ctx.params.name!;
  const path = Object.hasOwn(browser.files, name) ? browser.files[name]! : null;
  if (path === null && name !== START_SCRIPT) {
    throw new OneVaultError('not_found', {
      details: `${browser.path} has no file ${JSON.stringify(name.slice(0, 100))}.`,
    });
  }
  protect(ctx);
  ctx.set('cache-control', `public, max-age=${CACHED_S}`);
  ctx.set('content-type', CONTENT_TYPES[extname(name)]!);
  if (path === null) {
    ctx.body = browser.script;
    return;
  }
  ctx.length = statSync(path).size;
  ctx.body = createReadStream(path);
};

/** Allows inline styles, which both libraries need, but no inline scripts. */
const protect = (ctx: Context): void => {
  ctx.set(
    'content-security-policy',
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  ctx.set('x-content-type-options', 'nosniff');
  ctx.set('referrer-policy', 'no-referrer');
};

const pageOf = ({ path, title, body, styles, files }: ApiBrowser): string => {
  const scripts = [...Object.keys(files).filter((name) => extname(name) === '.js'), START_SCRIPT];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${styles.map((name) => `<link rel="stylesheet" href="${path}/assets/${name}">`).join('\n')}
</head>
<body>
${body}
${scripts.map((name) => `<script src="${path}/assets/${name}"></script>`).join('\n')}
</body>
</html>
`;
};

const pageContract = (path: string, operation_id: string, summary: string): RouteContract => ({
  method: 'get',
  path,
  operation_id,
  plane: 'control',
  summary,
  permission: null,
  responses: {
    200: { description: 'A page.', schema: { type: 'string' }, form: 'bare', content_types: ['text/html'] },
  },
});

export const API_BROWSER_CONTRACTS: readonly RouteContract[] = [
  pageContract('/docs', 'docs.read', 'This API in Swagger UI, with try-it'),
  pageContract('/redoc', 'redoc.read', 'This API in Redoc'),
];
