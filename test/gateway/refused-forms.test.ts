import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FILE, FORM_TYPE, formOf, type Part, SOUND, transcribe } from '../support/audio.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, errorOf, until } from '../support/http.ts';

const MODEL: Part = { name: 'model', content: 'gpt-4o-transcribe' };
const LIMIT_BYTES = 100_000;

interface Refusal {
  readonly body: Buffer;
  readonly content_type?: string;
  readonly status?: number;
  readonly code?: string;
  /** Null if no field is wrong. */
  readonly param: string | null;
}

const sound = formOf([FILE, MODEL]);

const REFUSALS: Readonly<Record<string, Refusal>> = {
  'without a boundary': { body: sound, content_type: 'multipart/form-data', param: 'content-type' },
  'with another boundary than its content type names': { body: formOf([FILE, MODEL], 'other'), param: null },
  'that ends in the middle of its file': { body: sound.subarray(0, 2_000), param: null },
  'that ends before its last boundary': { body: sound.subarray(0, sound.length - 5), param: null },
  'that is empty': { body: Buffer.alloc(0), param: null },
  'over the limit': {
    body: formOf([{ ...FILE, content: Buffer.alloc(LIMIT_BYTES) }, MODEL]),
    status: 413,
    code: 'body_too_large',
    param: null,
  },
  'with a path as file name': { body: formOf([{ ...FILE, file_name: '../../etc/passwd' }, MODEL]), param: 'file' },
  'with a path of Windows as file name': { body: formOf([{ ...FILE, file_name: 'C:\\a.wav' }, MODEL]), param: null },
  'with two models': { body: formOf([FILE, MODEL, { ...MODEL, content: 'whisper-1' }]), param: 'model' },
  'with two files': { body: formOf([FILE, FILE, MODEL]), param: 'file' },
  'with two prompts': {
    body: formOf([FILE, MODEL, { name: 'prompt', content: 'a' }, { name: 'prompt', content: 'b' }]),
    param: 'prompt',
  },
  'without a file': { body: formOf([MODEL]), param: 'file' },
  'without a model': { body: formOf([FILE]), param: 'model' },
  'with an empty model': { body: formOf([FILE, { ...MODEL, content: '' }]), param: 'model' },
  'with an empty file': { body: formOf([{ ...FILE, content: '' }, MODEL]), param: 'file' },
  'whose file is text': { body: formOf([{ name: 'file', content: 'sound' }, MODEL]), param: 'file' },
  'whose file has no name': { body: formOf([{ ...FILE, file_name: '' }, MODEL]), param: 'file' },
  'whose file is bytes without a file name': { body: formOf([{ name: 'file', content: SOUND }, MODEL]), param: 'file' },
  'whose model is a file': { body: formOf([FILE, { ...MODEL, file_name: 'model.txt' }]), param: 'model' },
  'whose stream is neither true nor false': {
    body: formOf([FILE, MODEL, { name: 'stream', content: 'yes' }]),
    param: 'stream',
  },
  'whose prompt is not UTF-8': { body: formOf([FILE, MODEL, { name: 'prompt', content: SOUND }]), param: 'prompt' },
  'with an incomplete header': { body: formOf([{ ...FILE, head: ['X-A: a\rX-B'] }, MODEL]), param: null },
  'with a huge header': { body: formOf([{ ...FILE, head: [`X-A: ${'a'.repeat(9_000)}`] }, MODEL]), param: null },
  'with two names for a part': { body: formOf([{ ...MODEL, name: 'model"; name="x' }, FILE, MODEL]), param: null },
  'with thousands of parts': {
    body: formOf([...Array.from({ length: 1_000 }, (): Part => ({ name: 'x', content: '' })), FILE, MODEL]),
    param: null,
  },
  'in JSON': {
    body: Buffer.from('{"model":"gpt-4o-transcribe","file":"x"}'),
    content_type: 'application/json',
    status: 415,
    code: 'unsupported_media_type',
    param: null,
  },
  'of another type of form': {
    body: Buffer.from('model=gpt-4o-transcribe&file=x'),
    content_type: 'application/x-www-form-urlencoded',
    status: 415,
    code: 'unsupported_media_type',
    param: null,
  },
};

describe('a form for a transcription', () => {
  let gateway: TestGateway;
  /** Folder of temporary files while the gateway runs. */
  const temporary = mkdtempSync(join(tmpdir(), 'onevault-forms-'));
  const { TMPDIR } = process.env;
  before(async () => {
    gateway = await startTestGateway({ body_limit_bytes: LIMIT_BYTES });
    process.env.TMPDIR = temporary;
  });
  after(async () => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    rmdirSync(temporary);
    await gateway.close();
  });

  for (const [
    name,
    { body, content_type = FORM_TYPE, status = 400, code = 'invalid_request', param },
  ] of Object.entries(REFUSALS)) {
    it(`${name} is refused with a reason, before any provider gets it`, async () => {
      const seen = gateway.sandbox.requests_seen();
      const response = await transcribe(gateway, { body, content_type });
      const error = errorOf(response);
      assert.deepEqual([response.status, error.code, error.param], [status, code, param], response.text);
      assert.ok(error.details !== null);
      assert.equal(gateway.sandbox.requests_seen(), seen);
      const call = await gateway.recorded(response.request_id);
      assert.deepEqual([call.response_status, call.customer_cost, call.intent_sequence], ['REFUSED', '0', null]);
      assert.deepEqual(readdirSync(temporary), []);
    });
  }

  it('with unknown parts is passed through and served', async () => {
    const parts = [FILE, { name: '__proto__', content: 'x' }, { name: 'x[y]', content: 'z' }, MODEL];
    const response = await transcribe(gateway, { body: formOf(parts) });
    assert.equal(response.status, 200, response.text);
    assert.match(response.text, /The file a\.wav has 9028 bytes/);
  });

  it('whose client disconnects is recorded as cancelled, and the next form is served', async () => {
    const request = httpRequest(`${gateway.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { ...bearer(gateway.keys.api_key), 'content-type': FORM_TYPE, 'content-length': sound.length },
    });
    request.on('error', () => {});
    request.write(sound.subarray(0, 1_000), () => request.destroy());
    await until(async () => {
      const { text } = await gateway.get('/metrics');
      return text.includes('endpoint="/v1/audio/transcriptions",provider="none",status="499"');
    }, 'the call is counted as cancelled');
    assert.equal((await transcribe(gateway, { body: sound })).status, 200);
  });
});
