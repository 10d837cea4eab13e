import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import { Registry as MetricsRegistry } from 'prom-client';
import { silentLog } from '../../src/core/log.ts';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import { registerAuditMetrics } from '../../src/server/audit-metrics.ts';
import { registerLoadMetrics } from '../../src/server/load-metrics.ts';
import { startTestGateway } from '../support/gateway.ts';

/** A proxy before PostgreSQL. While it hangs, connections stay open and no byte passes, as with a stopped server. */
const startHangingProxy = async (url: string) => {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = dial(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    if (is_hanging) return;
    client.pipe(upstream);
    upstream.pipe(client);
  });
  let is_hanging = false;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxied = new URL(url);
  proxied.hostname = '127.0.0.1';
  proxied.port = String((server.address() as AddressInfo).port);
  return {
    url: proxied.href,
    hang: (): void => {
      is_hanging = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    close: async (): Promise<void> => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

type HangingProxy = Awaited<ReturnType<typeof startHangingProxy>>;

describe('a database that hangs', () => {
  it('is reported as down, and public reads and metrics end without it', async () => {
    let [proxy, through] = [null as HangingProxy | null, null as Sql | null];
    const gateway = await startTestGateway({
      connect: async (url) => {
        proxy = await startHangingProxy(url);
        through = connect(proxy.url);
        return through;
      },
    });
    const metrics = new MetricsRegistry();
    const { clock } = gateway.control;
    registerLoadMetrics({ metrics, sql: through!, log: silentLog });
    registerAuditMetrics({ metrics, sql: through!, clock, log: silentLog, stopped_path: '/nonexistent' });
    assert.equal(((await gateway.get('/health/dependencies')).json as Health).database.status, 'up');
    proxy!.hang();
    const paths = ['/v1/audit/checkpoint', '/v1/audit/keys', '/v1/audit/consistency?from=1'];
    const [health, scraped, ...reads] = await Promise.all([
      gateway.get('/health/dependencies'),
      metrics.metrics(),
      ...paths.map((path) => gateway.get(path)),
    ]);
    assert.equal((health.json as Health).database.status, 'down');
    assert.doesNotMatch(scraped, /^onevault_audit_tree_size \d/m);
    for (const response of reads) {
      assert.equal(response.status, 503, response.text);
      assert.match(response.text, /database does not respond/);
      assert.equal(response.headers['retry-after'], '1');
    }
    const chat = await gateway.chat({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] });
    assert.equal(chat.status, 200, 'calls go on');
    await proxy!.close();
    await through!.end({ timeout: 0 });
    await gateway.close();
  });
});

interface Health {
  readonly database: { readonly status: string };
}
