import assert from 'node:assert/strict';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { startTestGateway, type TestGateway } from '../../../support/gateway.ts';
import { until } from '../../../support/http.ts';
import { bareSocketOf, openRealtime } from '../../../support/realtime.ts';
import { type RealtimeProvider, startRealtimeProvider } from '../../../support/realtime-provider.ts';

const TYPES = [
  'response.create',
  'response.created',
  'response.done',
  'response.cancel',
  'response.output_text.delta',
  'response.output_audio.delta',
  'session.update',
  'conversation.item.create',
  'error',
];

const anything = fc.anything({ maxDepth: 3, withNullPrototype: false });
const event = fc
  .record({
    type: fc.oneof(fc.constantFrom(...TYPES), anything),
    event_id: fc.option(fc.constantFrom('a', 'b', 1), { nil: undefined }),
    response_id: fc.constantFrom('r', 's', undefined, 4),
    delta: fc.oneof(fc.string(), anything),
    session: fc.oneof(anything, fc.record({ model: anything, audio: anything })),
    error: fc.oneof(anything, fc.record({ event_id: fc.constantFrom('a', null, 1) })),
    response: fc.oneof(
      anything,
      fc.record({
        id: fc.constantFrom('r', 's', undefined),
        usage: fc.oneof(
          anything,
          fc.record({
            input_tokens: fc.integer(),
            output_tokens: fc.nat(1_000),
            input_token_details: anything,
          }),
        ),
      }),
    ),
  })
  .map((value) => JSON.stringify(value, (_name, each: unknown) => (typeof each === 'bigint' ? null : each)));
const message = fc.oneof({ weight: 5, arbitrary: event }, { weight: 1, arbitrary: fc.string() });
const sent = fc.oneof(
  { weight: 8, arbitrary: message.map((text) => ({ text })) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }).map((bytes) => ({ bytes })) },
  // Written to the connection itself, so that it is not a frame.
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 50 }).map((raw) => ({ raw })) },
);
type Sent = { text: string } | { bytes: Uint8Array } | { raw: Uint8Array };

const send = (socket: WebSocket, each: Sent): void => {
  if (socket.readyState !== WebSocket.OPEN) return;
  if ('text' in each) socket.send(each.text);
  else if ('bytes' in each) socket.send(each.bytes);
  else bareSocketOf({ socket }).write(each.raw);
};

describe('any messages of client and provider in a realtime session', () => {
  let gateway: TestGateway;
  let provider: RealtimeProvider;
  const intents: number[] = [];
  const answered: number[] = [];
  before(async () => {
    provider = await startRealtimeProvider();
    gateway = await startTestGateway({
      base_urls: { openai: provider.url },
      aroundJournal: (journal) => ({
        ...journal,
        append: async (record) => {
          const sequence = await journal.append(record);
          if (record.kind === 'intent') intents.push(sequence);
          if (record.intent_sequence !== null) answered.push(record.intent_sequence);
          return sequence;
        },
      }),
    });
  });
  after(async () => {
    await gateway.close();
    await provider.close();
  });

  it('cause no fault, leave nothing reserved, and are recorded in one record a session', async function () {
    this.timeout(300_000);
    const ids: string[] = [];
    let spent = 0n;
    const { key } = await gateway.newCustomer({ slug: 'fuzz' });
    await fc.assert(
      fc.asyncProperty(
        fc.array(sent, { maxLength: 8 }),
        fc.array(sent, { maxLength: 8 }),
        fc.constantFrom('close', 'terminate', 'provider'),
        async (by_client, by_provider, end) => {
          provider.script((session) => {
            for (const each of by_provider) send(session, each);
            if (end === 'provider') session.close(1000);
            // The gateway would wait for a provider that sends nothing more.
            session.on('message', (data) => {
              if (String(data).includes('"response.cancel"')) session.terminate();
            });
          });
          const session = await openRealtime({ url: gateway.url, api_key: key });
          for (const each of by_client) send(session.socket, each);
          if (end === 'terminate') session.socket.terminate();
          else session.socket.close();
          ids.push(session.request_id);
          await session.closed();
          await until(
            async () => /^onevault_calls_in_flight 0$/m.test((await gateway.get('/metrics')).text),
            'the session is over',
          );
        },
      ),
      { numRuns: 60 },
    );
    for (const id of ids) {
      const call = await gateway.recorded(id);
      assert.notEqual(call.error_code, 'internal_error');
      assert.notEqual(call.route!.attempts.at(-1)!.session!.close_code, null);
      spent += BigInt(call.customer_cost ?? '0');
    }
    const inOrder = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b);
    assert.deepEqual(inOrder(answered), inOrder(intents), 'each intent has one that follows it');
    assert.equal(gateway.budgets.total(`fuzz/${new Date().toISOString().slice(0, 7)}`), spent);
  });
});
