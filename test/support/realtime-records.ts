import type { TestGateway } from './gateway.ts';
import { until, type VaultCall } from './http.ts';
import type { RealtimeClient } from './realtime.ts';

/** A session in the vault, after all sessions have ended. */
export const settledSession = async (gateway: TestGateway, request_id: string): Promise<VaultCall> => {
  await until(
    async () => /^onevault_calls_in_flight 0$/m.test((await gateway.get('/metrics')).text),
    'no session is open',
  );
  return gateway.recorded(request_id);
};

/** The end of a session for its client and in the vault. */
export const endOf = async (gateway: TestGateway, session: RealtimeClient) => {
  const { code } = await session.closed();
  const call = await settledSession(gateway, session.request_id);
  const { closed_by, close_code } = call.route!.attempts.at(-1)!.session!;
  const error = session.events.findLast(({ type }) => type === 'error')?.error;
  return { code, call, closed_by, close_code, sent_error: (error as { code: string } | undefined)?.code ?? null };
};
