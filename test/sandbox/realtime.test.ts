import assert from 'node:assert/strict';
import { connect } from 'node:net';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { WebSocket } from 'ws';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

type Event = { readonly type: string; readonly [field: string]: unknown };

const WEATHER = {
  type: 'function',
  name: 'get_weather',
  parameters: { type: 'object', properties: { city: { enum: ['Paris'] } }, required: ['city'] },
};
const userMessage = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });

describe("the sandbox's realtime sessions", () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await startSandbox();
  });
  afterEach(() => sandbox.close());

  /** A session, and a function that reads its events up to one of a type. */
  const open = async (path = '/v1/realtime?model=gpt-realtime', headers: object = { authorization: 'Bearer x' }) => {
    const socket = new WebSocket(sandbox.url.replace('http', 'ws') + path, { headers: { ...headers } });
    const events: Event[] = [];
    let read = 0;
    let wake = (): void => {};
    socket.on('message', (data) => {
      events.push(JSON.parse(String(data)) as Event);
      wake();
    });
    socket.on('close', () => wake());
    const until = async (type: string): Promise<Event[]> => {
      for (;;) {
        const at = events.findIndex((event, index) => index >= read && event.type === type);
        if (at !== -1) {
          const found = events.slice(read, at + 1);
          read = at + 1;
          return found;
        }
        assert.notEqual(socket.readyState, WebSocket.CLOSED, `closed before ${type}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    await until('session.created');
    return { socket, until, send: (event: object) => socket.send(JSON.stringify(event)) };
  };
  const prompt = async (session: Awaited<ReturnType<typeof open>>, text: string): Promise<Event[]> => {
    session.send({ type: 'conversation.item.create', item: userMessage(text) });
    await session.until('conversation.item.done');
    session.send({ type: 'response.create' });
    return session.until('response.done');
  };
  interface Done {
    readonly status: string;
    readonly status_details: { reason: string } | null;
    readonly output: [{ type: string; content: [{ text: string }]; call_id: string; arguments: string }];
    readonly usage: { input_tokens: number; output_tokens: number; total_tokens: number };
  }
  const doneOf = (events: readonly Event[]): Done => events.at(-1)!.response as Done;

  it("serve OpenAI's SDK", async () => {
    const client = new OpenAI({ baseURL: `${sandbox.url}/v1`, apiKey: 'sk-anything' });
    const session = new OpenAIRealtimeWS(
      // The SDK always uses TLS, even for http.
      { model: 'gpt-realtime', options: { createConnection: () => connect(sandbox.port, '127.0.0.1') } },
      client,
    );
    const text = await new Promise<string>((resolve, reject) => {
      let received = '';
      session.on('error', reject);
      session.on('session.created', () => {
        session.send({ type: 'session.update', session: { type: 'realtime', instructions: 'Be brief.' } });
      });
      session.on('session.updated', ({ session: updated }) => {
        assert.equal((updated as { instructions?: string }).instructions, 'Be brief.');
        session.send({ type: 'conversation.item.create', item: userMessage('Good morning') as never });
        session.send({ type: 'response.create' });
      });
      session.on('response.output_text.delta', ({ delta }) => {
        received += delta;
      });
      session.on('response.done', () => resolve(received));
    });
    assert.equal(text, 'You wrote: Good morning');
    session.close();
  });

  it('send every event of a response in order, with usage at its end, and continue from it', async () => {
    const session = await open();
    const events = await prompt(session, 'Good morning');
    assert.deepEqual(
      events.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1]),
      [
        'response.created',
        'rate_limits.updated',
        'response.output_item.added',
        'conversation.item.added',
        'response.content_part.added',
        'response.output_text.delta',
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'conversation.item.done',
        'response.done',
      ],
    );
    const first = doneOf(events);
    assert.equal(first.output[0].content[0].text, 'You wrote: Good morning');
    assert.deepEqual([first.usage.input_tokens, first.usage.output_tokens, first.usage.total_tokens], [3, 4, 7]);
    const second = doneOf(await prompt(session, 'And now'));
    // The prompt now contains the earlier messages.
    assert.equal(second.usage.input_tokens, Math.ceil((12 + 23 + 7) / 4));
    session.socket.close();
  });

  it('call functions, and continue from their result', async () => {
    const session = await open();
    session.send({ type: 'session.update', session: { tools: [WEATHER] } });
    await session.until('session.updated');
    const [call] = doneOf(await prompt(session, 'Use get_weather please')).output;
    assert.equal(call.arguments, '{"city":"Paris"}');
    const output = { type: 'function_call_output', call_id: call.call_id, output: 'sunny' };
    session.send({ type: 'conversation.item.create', item: output });
    session.send({ type: 'response.create' });
    const [answer] = doneOf(await session.until('response.done')).output;
    assert.equal(answer.content[0].text, 'The tool said: sunny');
    session.socket.close();
  });

  it('send the same events for the same events of the client', async () => {
    const runs = [];
    for (let run = 0; run < 2; run += 1) {
      const session = await open();
      runs.push(await prompt(session, 'Again'));
      session.socket.close();
    }
    assert.deepEqual(runs[1], runs[0]);
  });

  it('cancel a response, and refuse a second one while one is under way', async () => {
    const session = await open();
    session.send({
      type: 'conversation.item.create',
      item: userMessage('[[sandbox: tokens=500 token_interval_ms=2]]'),
    });
    session.send({ type: 'response.create' });
    session.send({ type: 'response.create', event_id: 'mine' });
    const [refused] = (await session.until('error')).slice(-1);
    const { code, event_id } = refused!.error as { code: string; event_id: string };
    assert.deepEqual([code, event_id], ['conversation_already_has_active_response', 'mine']);
    session.send({ type: 'response.cancel' });
    assert.equal(doneOf(await session.until('response.done')).status, 'cancelled');
    session.socket.close();
  });

  it('answer an invalid message with an error event, and go on', async () => {
    const session = await open();
    for (const [message, code] of [
      ['{', 'invalid_json'],
      ['[]', 'invalid_json'],
      [Buffer.from([1, 2]), 'invalid_json'],
      ['{"type":"toString"}', 'invalid_value'],
      ['{"type":"conversation.item.delete","item_id":"x"}', 'item_not_found'],
      ['{"type":"response.cancel"}', 'response_cancel_not_active'],
      ['{"type":"session.update","session":{"output_modalities":["audio"]}}', 'invalid_value'],
      ['{"type":"response.create","response":{"input":[{"type":"nothing"}]}}', 'invalid_value'],
    ] as const) {
      session.socket.send(message);
      const [event] = (await session.until('error')).slice(-1);
      assert.equal((event!.error as { code: string }).code, code, String(message));
    }
    assert.equal(doneOf(await prompt(session, 'Still there?')).status, 'completed');
    session.socket.close();
  });

  it('stop at the limit of tokens, and fail or drop the connection by directive', async () => {
    const session = await open();
    session.send({ type: 'conversation.item.create', item: userMessage('one two three four') });
    session.send({ type: 'response.create', response: { max_output_tokens: 3 } });
    assert.equal(doneOf(await session.until('response.done')).status_details?.reason, 'max_output_tokens');
    session.send({ type: 'conversation.item.create', item: userMessage('[[sandbox: error_after=6]]') });
    session.send({ type: 'response.create' });
    assert.equal((await session.until('error')).filter(({ type }) => type.startsWith('response.')).length, 4);
    await assert.rejects(prompt(session, '[[sandbox: cut_after=4]]'), /closed before/);
  });

  it('are refused without a key, with a bad key, without a model and at another path', async () => {
    const statusOf = async (path: string, headers: object): Promise<number> => {
      const fault = await open(path, headers).then(
        () => assert.fail('it was opened'),
        (error: unknown) => error,
      );
      return Number(/Unexpected server response: (\d+)/.exec(String(fault))?.[1]);
    };
    const key = { authorization: 'Bearer x' };
    assert.equal(await statusOf('/v1/realtime?model=m', {}), 401);
    assert.equal(await statusOf('/v1/realtime?model=m', { authorization: 'Bearer invalid' }), 401);
    assert.equal(await statusOf('/v1/realtime', key), 400);
    assert.equal(await statusOf('/v1/elsewhere', key), 404);
    const browser = new WebSocket(`${sandbox.url.replace('http', 'ws')}/v1/realtime?model=m`, [
      'realtime',
      'openai-insecure-api-key.sk-x',
    ]);
    await new Promise((resolve, reject) => browser.once('open', resolve).once('error', reject));
    assert.equal(browser.protocol, 'realtime');
    browser.close();
  });
});
