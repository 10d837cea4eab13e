import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

describe('a directive to the sandbox', () => {
  let sandbox: Sandbox;

  beforeEach(async () => {
    sandbox = await startSandbox();
  });
  afterEach(() => sandbox.close());

  const post = (content: string, extra: object = {}, signal?: AbortSignal): Promise<Response> =>
    fetch(`${sandbox.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }], ...extra }),
      signal: signal ?? null,
    });

  it('causes a status, invalid JSON, wrong types or an empty response', async () => {
    assert.equal((await post('[[sandbox: status=418]]')).status, 418);
    assert.equal(await (await post('[[sandbox: garbage]]')).text(), '<html>Bad Gateway</html>');
    assert.equal(await (await post('[[sandbox: empty]]')).text(), '');
    const wrong = (await (await post('[[sandbox: wrong_type]]')).json()) as { choices: unknown };
    assert.equal(wrong.choices, 'none');
  });

  it('sets the number of tokens', async () => {
    const response = (await (await post('[[sandbox: tokens=50]]')).json()) as {
      usage: { completion_tokens: number };
      choices: [{ message: { content: string } }];
    };
    assert.equal(response.usage.completion_tokens, 50);
    assert.equal(response.choices[0].message.content.split(' ').length, 50);
  });

  it('delays the headers, the first frame and each next frame', async () => {
    const started = performance.now();
    await (await post('[[sandbox: latency_ms=60]]')).text();
    const whole_ms = performance.now() - started;
    assert.ok(whole_ms >= 59, `${whole_ms}`);
    const slow = performance.now();
    await (await post('[[sandbox: slow_first_ms=80 tokens=1]]', { stream: true })).text();
    const first_ms = performance.now() - slow;
    assert.ok(first_ms >= 79, `${first_ms}`);
    const leaving = new AbortController();
    const early = await post('[[sandbox: slow_first_ms=60000 tokens=1]]', { stream: true }, leaving.signal);
    assert.equal(early.status, 200, 'the headers come long before the first frame');
    leaving.abort();
    const refused = performance.now();
    assert.equal((await post('[[sandbox: status=500 latency_ms=60]]')).status, 500);
    const refused_ms = performance.now() - refused;
    assert.ok(refused_ms >= 59, `${refused_ms}`);
    const dripped = performance.now();
    await (await post('[[sandbox: token_interval_ms=10, tokens=8]]', { stream: true })).text();
    const drip_ms = performance.now() - dripped;
    assert.ok(drip_ms >= 80, `${drip_ms}`);
  });

  it('drops the connection after a number of frames, in a stream and in a whole response', async () => {
    for (const extra of [{}, { stream: true }]) {
      const response = await post('[[sandbox: cut_after=3]]', extra);
      assert.equal(response.status, 200);
      await assert.rejects(response.text());
    }
  });

  it('holds the connection without an answer until the client leaves', async () => {
    await assert.rejects(post('[[sandbox: hang]]', {}, AbortSignal.timeout(150)), { name: 'TimeoutError' });
    assert.equal((await post('still there?')).status, 200);
  });

  it('applies only to the protocol that it names', async () => {
    const content = '[[sandbox: status=503 only=anthropic]]';
    assert.equal((await post(content)).status, 200);
    const response = await fetch(`${sandbox.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'x', 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content }] }),
    });
    assert.equal(response.status, 503);
  });

  it('is refused if it is unknown, with the known ones in the error, and each is in the README', async () => {
    for (const wrong of ['explode', 'tokens', 'tokens=many', 'status=99', 'hang=1', 'only=mistral', 'chunk_bytes=0']) {
      const response = await post(`[[sandbox: ${wrong}]]`);
      assert.equal(response.status, 400, wrong);
      const { error } = (await response.json()) as { error: { message: string } };
      const list = error.message.slice(error.message.indexOf('These exist: ') + 13);
      const names = list.split(', ').map((item) => /^[a-z_]+/.exec(item)?.[0] ?? '');
      assert.ok(names.includes('cut_after') && names.includes('hang'), error.message);
      const readme = await readFile(new URL('../../src/sandbox/README.md', import.meta.url), 'utf8');
      for (const name of names) assert.ok(readme.includes(`\`${name}`), `${name} is not in the README`);
    }
  });

  it('works only in the last message of the user', async () => {
    const messages = [
      { role: 'user', content: '[[sandbox: status=500]]' },
      { role: 'assistant', content: 'no' },
      { role: 'user', content: 'fine' },
    ];
    assert.equal((await post('', { messages })).status, 200);
  });

  it('is not needed for refusals of unknown paths, invalid JSON and missing keys, and every request is counted', async () => {
    assert.equal((await fetch(`${sandbox.url}/v1/nothing`, { headers: { authorization: 'Bearer x' } })).status, 404);
    const headers = { authorization: 'Bearer x' };
    const bad = await fetch(`${sandbox.url}/v1/chat/completions`, { method: 'POST', headers, body: '{' });
    assert.equal(bad.status, 400);
    const anonymous = await fetch(`${sandbox.url}/v1/chat/completions`, { method: 'POST', body: '{}' });
    assert.equal(anonymous.status, 401);
    assert.equal(sandbox.requests_seen(), 3);
  });
});
