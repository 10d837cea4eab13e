import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Router from '@koa/router';
import Koa from 'koa';
import { systemClock } from '../../../src/core/clock.ts';
import { createIds } from '../../../src/core/ids.ts';
import { silentLog } from '../../../src/core/log.ts';
import { errorHandler } from '../../../src/http/error-handler.ts';
import { requestId } from '../../../src/http/request-id.ts';
import type { ControlDeps } from '../../../src/modules/deps.ts';
import type { Resource } from '../../../src/resources/declaration/resource.ts';
import type { ControlRoute } from '../../../src/resources/serving/control-route.ts';
import { resourceRoutes } from '../../../src/resources/serving/resource-routes.ts';
import { serveRoute } from '../../../src/resources/serving/serve-route.ts';
import { startHttpServer } from '../../../src/server/http-server.ts';
import { createVaultAccess } from '../../../src/server/vault-access.ts';
import { loadRegistry, type Registry } from '../../../src/vault/registry.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { createHttp, type TestHttp } from '../../support/http.ts';
import { ENTITIES } from '../../vault/vault-fixture.ts';
import { OFFICE_ENTITIES, OFFICE_MIGRATION } from './office-entities.ts';

/** A product with one more resource: its schemas lie in a copy of the vault's folder, its tables in a test database. */
export interface OfficeServer extends TestHttp {
  readonly gateway: TestGateway;
  readonly registry: Registry;
  readonly routes: readonly ControlRoute<ControlDeps>[];
  close(): Promise<void>;
}

export const startOfficeServer = async (...resources: readonly Resource<ControlDeps>[]): Promise<OfficeServer> => {
  const gateway = await startTestGateway();
  const { sql } = gateway.database;
  await sql.unsafe(OFFICE_MIGRATION);
  const folder = mkdtempSync(join(tmpdir(), 'onevault-office-'));
  cpSync(ENTITIES, folder, { recursive: true });
  for (const [name, schema] of Object.entries(OFFICE_ENTITIES)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, `${name}.schema.json`), JSON.stringify(schema));
  }
  const registry = loadRegistry(folder);
  const deps: ControlDeps = { ...gateway.control, ...createVaultAccess({ sql, clock: systemClock, registry }) };
  const routes = resources.flatMap((resource) => resourceRoutes(registry, resource));
  const router = new Router();
  for (const route of routes) {
    router[route.method]([route.path, ...(route.aliases ?? [])], serveRoute(deps, route));
  }
  const nextId = createIds(systemClock);
  const app = new Koa();
  app
    .use(requestId(systemClock, nextId))
    .use(errorHandler({ clock: systemClock, log: silentLog, isUnavailable: () => false }))
    .use(router.routes());
  const listening = { host: '127.0.0.1', port: 0, shutdown_timeout_ms: 0, log: silentLog, clock: systemClock, nextId };
  const server = await startHttpServer(app.callback(), listening);
  return {
    ...createHttp({ url: server.url, keys: gateway.keys, sql, drain: async () => {} }),
    gateway,
    registry,
    routes,
    close: async () => {
      await server.close();
      rmSync(folder, { recursive: true });
      await gateway.close();
    },
  };
};
