import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import OpenAI, { toFile } from 'openai';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

const SOUND = Buffer.from(Array.from({ length: 40_000 }, (_, index) => (index * 7) % 256));

describe("the sandbox's audio with OpenAI's SDK", () => {
  let sandbox: Sandbox;
  let client: OpenAI;

  before(async () => {
    sandbox = await startSandbox();
    client = new OpenAI({ baseURL: `${sandbox.url}/v1`, apiKey: 'sk-anything', maxRetries: 0 });
  });
  after(() => sandbox.close());

  const speak = (fields: object = {}) =>
    client.audio.speech.create({ model: 'gpt-4o-mini-tts', input: 'One two three', voice: 'alloy', ...fields });
  const file = () => toFile(SOUND, 'größe.wav');

  it('speaks MP3 frames, WAV and PCM as long as the text, slower at a lower speed', async () => {
    const lengths: number[] = [];
    for (const [response_format, type] of [
      ['mp3', 'audio/mpeg'],
      ['wav', 'audio/wav'],
      ['pcm', 'audio/pcm'],
    ] as const) {
      const response = await speak({ response_format });
      assert.equal(response.headers.get('content-type'), type);
      const bytes = Buffer.from(await response.arrayBuffer());
      lengths.push(bytes.length);
      if (response_format === 'wav') assert.equal(bytes.readUInt32LE(40), bytes.length - 44);
      if (response_format === 'mp3') {
        for (let at = 0; at < bytes.length; at += 192) assert.equal(bytes.readUInt16BE(at), 0xff_f3);
      }
    }
    assert.equal(lengths[1], lengths[2]! + 44);
    const slow = await (await speak({ response_format: 'pcm', speed: 0.5 })).arrayBuffer();
    assert.equal(slow.byteLength, lengths[2]! * 2);
  });

  it('sends the same sound in events, and the usage in the last one', async () => {
    const whole = Buffer.from(await (await speak()).arrayBuffer());
    const events = (await (await speak({ stream_format: 'sse' })).text())
      .split('\n\n')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text.slice('data: '.length)) as { type: string; audio?: string; usage?: object });
    const deltas = events.slice(0, -1).map(({ audio }) => Buffer.from(audio!, 'base64'));
    assert.deepEqual(Buffer.concat(deltas), whole);
    assert.deepEqual(events.at(-1), {
      type: 'speech.audio.done',
      usage: { input_tokens: 4, output_tokens: 16, total_tokens: 20 },
    });
  });

  it('describes the uploaded file in every format', async () => {
    const description = `The file größe.wav has 40000 bytes, SHA-256 ${hash('sha256', SOUND).slice(0, 16)}.`;
    const transcribe = async (response_format: 'json' | 'text' | 'srt' | 'vtt' | 'verbose_json') =>
      client.audio.transcriptions.create({ model: 'whisper-1', file: await file(), response_format });
    assert.deepEqual(await transcribe('json'), { text: description, usage: { type: 'duration', seconds: 2 } });
    assert.equal(await transcribe('text'), `${description}\n`);
    assert.equal(await transcribe('srt'), `1\n00:00:00,000 --> 00:00:02,000\n${description}\n\n\n`);
    assert.equal(await transcribe('vtt'), `WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n${description}\n\n`);
    const verbose = (await transcribe('verbose_json')) as unknown as { duration: number; text: string };
    assert.deepEqual([verbose.duration, verbose.text], [2, description]);
  });

  it('streams a transcription, and ignores stream for whisper-1', async () => {
    const request = { file: await file(), prompt: 'Names', stream: true } as const;
    const events: OpenAI.Audio.TranscriptionStreamEvent[] = [];
    const stream = await client.audio.transcriptions.create({ ...request, model: 'gpt-4o-transcribe' });
    for await (const event of stream) events.push(event);
    const done = events.at(-1)!;
    assert.ok(done.type === 'transcript.text.done');
    const deltas = events.map((event) => (event.type === 'transcript.text.delta' ? event.delta : ''));
    assert.equal(deltas.join(''), done.text);
    assert.deepEqual(done.usage?.input_token_details, { text_tokens: 2, audio_tokens: 20 });
    const whole = await client.audio.transcriptions.create({ ...request, model: 'whisper-1' }).asResponse();
    assert.equal(whole.headers.get('content-type'), 'application/json');
  });

  it('refuses the requests that OpenAI refuses, and names the field', async () => {
    const refusals: readonly [Promise<unknown>, string][] = [
      [speak({ input: '' }), 'input'],
      [speak({ input: 'x'.repeat(4_097) }), 'input'],
      [speak({ voice: undefined }), 'voice'],
      [speak({ response_format: 'opus' }), 'response_format'],
      [speak({ speed: 5 }), 'speed'],
      [speak({ model: 'tts-1', stream_format: 'sse' }), 'stream_format'],
      [
        client.audio.transcriptions.create({ model: 'gpt-4o-transcribe', file: await file(), response_format: 'srt' }),
        'response_format',
      ],
    ];
    for (const [refusal, param] of refusals) await assert.rejects(refusal, { status: 400, param });
    await assert.rejects(speak({ model: 'missing' }), { status: 404 });
  });

  it('obeys directives for a status, a cut, and the number of tokens', async () => {
    await assert.rejects(speak({ input: 'Hi [[sandbox: status=503]]' }), { status: 503 });
    const cut = await speak({ input: 'Hi [[sandbox: tokens=200, cut_after=2]]', response_format: 'pcm' });
    await assert.rejects(cut.arrayBuffer());
    const failed = await speak({ input: 'Hi [[sandbox: tokens=200, error_after=2]]', response_format: 'pcm' });
    await assert.rejects(failed.arrayBuffer());
    const long = await speak({ input: 'Hi [[sandbox: tokens=20]]', response_format: 'pcm' });
    assert.equal((await long.arrayBuffer()).byteLength, 48_000);
  });
});
