import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import OpenAI, { toFile, toStreamingFile } from 'openai';
import { zodFunction, zodResponseFormat, zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { framesOf } from '../support/http.ts';
import { assertUsed, MODELS, PNG } from './clients-fixture.ts';

const person = z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.enum(['a', 'b'])) });
const city = z.object({ city: z.enum(['Paris']) });

const runnable = (name: string, say: (city: string) => string) => ({
  type: 'function' as const,
  function: {
    name,
    description: `Tells what ${name} says.`,
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', enum: ['Paris'] } },
      required: ['city'],
    },
    parse: (text: string) => city.parse(JSON.parse(text)),
    function: (given: z.infer<typeof city>) => say(given.city),
  },
});

const TOOLS = [
  runnable('get_weather', (where) => `Rain in ${where}.`),
  runnable('get_time', (where) => `Noon in ${where}.`),
];

describe("OpenAI's SDK", () => {
  let gateway: TestGateway;
  let client: OpenAI;

  before(async () => {
    gateway = await startTestGateway();
    client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.keys.api_key });
  });
  after(() => gateway.close());

  for (const model of MODELS) {
    describe(`with ${model}`, () => {
      const requestOf = (content: string) => ({ model, messages: [{ role: 'user' as const, content }] });

      it('completes a loop of tools, whole and streamed', async () => {
        const body = { ...requestOf('Use get_weather and get_time'), tools: TOOLS };
        const whole = client.chat.completions.runTools(body);
        const streamed = client.chat.completions.runTools({ ...body, stream: true });
        for (const runner of [whole, streamed]) {
          assert.match((await runner.finalContent())!, /Rain in Paris\..*Noon in Paris\./);
          assert.deepEqual(
            runner.messages.map(({ role }) => role),
            ['user', 'assistant', 'tool', 'tool', 'assistant'],
          );
        }
      });

      it('parses output by a Zod schema, whole and streamed', async () => {
        const response_format = zodResponseFormat(person, 'person');
        const { choices } = await client.chat.completions.parse({ ...requestOf('Who?'), response_format });
        const parsed = choices[0]!.message.parsed!;
        assert.deepEqual(person.parse(parsed), parsed);
        const stream = client.chat.completions.stream({ ...requestOf('Who?'), response_format });
        const last = await stream.finalChatCompletion();
        assert.deepEqual(last.choices[0]!.message.parsed, parsed);
        const { output_parsed } = await client.responses.parse({
          model,
          input: 'Who?',
          text: { format: zodTextFormat(person, 'person') },
        });
        assert.deepEqual(output_parsed, parsed);
      });

      it('parses the arguments of strict tools', async () => {
        const { choices } = await client.chat.completions.parse({
          ...requestOf('Use get_weather'),
          tools: [zodFunction({ name: 'get_weather', parameters: city })],
        });
        const [call] = choices[0]!.message.tool_calls!;
        assert.deepEqual(call!.function.parsed_arguments, { city: 'Paris' });
        const { output } = await client.responses.parse({
          model,
          input: 'Use get_weather',
          tools: [zodResponsesFunction({ name: 'get_weather', parameters: city })],
        });
        const [made] = output;
        assert.ok(made?.type === 'function_call');
        assert.deepEqual(made.parsed_arguments, { city: 'Paris' });
      });

      it('emits the events of its streaming helper, and reports the recorded usage', async () => {
        const stream = client.chat.completions.stream({
          ...requestOf('Größe ✓ of things'),
          stream_options: { include_usage: true },
        });
        const deltas: string[] = [];
        stream.on('content', (delta) => deltas.push(delta));
        const [content, usage] = [await stream.finalContent(), await stream.totalUsage()];
        assert.equal(content, 'You wrote: Größe ✓ of things');
        assert.equal(deltas.join(''), content);
        const { response } = await client.chat.completions.create(requestOf('Hi')).withResponse();
        const call = await gateway.recorded(response.headers.get('x-request-id')!);
        assert.equal(call.model, model);
        const [row] = await gateway.database.sql<{ calls: number }[]>`
          select count(*) as calls
          from gateway.api_request_s
          where is_streamed
            and model_used = ${model}
            and usage_source = 'provider'
            and prompt_tokens = ${usage.prompt_tokens}
            and completion_tokens = ${usage.completion_tokens}`;
        assert.equal(row!.calls, 1);
      });

      it('sends images, by chat completions and by responses', async () => {
        const url = `data:image/png;base64,${PNG}`;
        const { choices } = await client.chat.completions.create({
          model,
          messages: [
            {
              role: 'user',
              content: [
                { type: 'text', text: 'Look' },
                { type: 'image_url', image_url: { url } },
              ],
            },
          ],
        });
        assert.equal(choices[0]!.message.content, 'You wrote: Look (images: 1)');
        const { output_text } = await client.responses.create({
          model,
          input: [
            {
              role: 'user',
              content: [
                { type: 'input_text', text: 'Look' },
                { type: 'input_image', image_url: url, detail: 'auto' },
              ],
            },
          ],
        });
        assert.equal(output_text, 'You wrote: Look (images: 1)');
      });

      it('waits for the time of Retry-After before it retries', async () => {
        const started_ms = Date.now();
        const { choices } = await client.chat.completions.create(
          requestOf('again [[sandbox: status=429, times=1, retry_after=1]]'),
        );
        assert.equal(choices[0]!.message.content!.trim(), 'You wrote: again');
        const waited_ms = Date.now() - started_ms;
        assert.ok(waited_ms >= 950, `it waited ${waited_ms} ms`);
      });

      it('throws the class of each error, with the request id', async () => {
        const impatient = client.withOptions({ maxRetries: 0 });
        for (const [directive, kind] of [
          ['status=400', OpenAI.BadRequestError],
          ['status=404', OpenAI.NotFoundError],
          ['status=429', OpenAI.RateLimitError],
          ['status=500', OpenAI.InternalServerError],
        ] as const) {
          const thrown: unknown = await impatient.chat.completions
            .create(requestOf(`[[sandbox: ${directive}]]`))
            .catch((error: unknown) => error);
          assert.ok(thrown instanceof kind, `${directive}: ${thrown}`);
          const call = await gateway.recorded(thrown.requestID!);
          assert.equal(call.http_status, thrown.status);
        }
      });

      it('can abort a stream', async () => {
        const stream = client.chat.completions.stream(
          requestOf(`${model} [[sandbox: tokens=300 token_interval_ms=10]]`),
        );
        stream.once('content', () => stream.abort());
        await assert.rejects(stream.finalContent(), OpenAI.APIUserAbortError);
      });
    });
  }

  it('throws the right errors for a wrong key and a too large body', async () => {
    const stranger = client.withOptions({ apiKey: 'sk_nobody' });
    const request = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'Hi' }] };
    await assert.rejects(stranger.chat.completions.create(request), OpenAI.AuthenticationError);
    await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
    const large = [{ role: 'user' as const, content: 'x'.repeat(1_000_000) }];
    await assert.rejects(client.chat.completions.create({ ...request, messages: large }), { status: 413 });
  });

  it('lists models, and retrieves each', async () => {
    const ids = await Array.fromAsync(client.models.list(), ({ id }) => id);
    for (const model of MODELS) {
      assert.ok(ids.includes(model));
      assert.equal((await client.models.retrieve(model)).id, model);
    }
  });

  it('reports the recorded usage of embeddings and images', async () => {
    const embedded = await client.embeddings
      .create({ model: 'text-embedding-3-small', input: ['one', 'two'] })
      .withResponse();
    const { prompt_tokens } = embedded.data.usage;
    const call = await gateway.recorded(embedded.response.headers.get('x-request-id')!);
    assert.equal(call.prompt_tokens, prompt_tokens);
    const painted = await client.images.generate({ model: 'gpt-image-1', prompt: 'A vault' }).withResponse();
    const { input_tokens, output_tokens } = painted.data.usage!;
    assertUsed(await gateway.recorded(painted.response.headers.get('x-request-id')!), [input_tokens, output_tokens]);
  });

  it('gets the same speech whole, in chunks and in events', async () => {
    const request = {
      model: 'gpt-4o-mini-tts',
      input: 'One two three',
      voice: 'alloy',
      response_format: 'wav',
    } as const;
    const whole = await client.audio.speech.create(request);
    assert.equal(whole.headers.get('content-type'), 'audio/wav');
    const sound = Buffer.from(await whole.arrayBuffer());
    assert.equal(sound.toString('latin1', 0, 4), 'RIFF');
    const call = await gateway.recorded(whole.headers.get('x-request-id')!);
    assert.deepEqual([call.request_type, call.usage_source, call.rating], ['speech', 'counted', 'RATED']);
    const chunked = await client.audio.speech.create(request);
    const chunks = await Array.fromAsync(chunked.body as unknown as AsyncIterable<Uint8Array>);
    assert.ok(Buffer.concat(chunks).equals(sound));
    const streamed = await client.audio.speech.create({ ...request, stream_format: 'sse' });
    const events = framesOf(await streamed.text()).map((text) => JSON.parse(text) as SpeechEvent);
    const audio = events.flatMap((event) => (event.type === 'speech.audio.delta' ? [event.audio] : []));
    assert.ok(Buffer.concat(audio.map((base64) => Buffer.from(base64, 'base64'))).equals(sound));
    const done = events.at(-1)!;
    assert.ok(done.type === 'speech.audio.done');
    const { input_tokens, output_tokens } = done.usage;
    assertUsed(await gateway.recorded(streamed.headers.get('x-request-id')!), [input_tokens, output_tokens]);
  });

  it('gets transcriptions whole and streamed, for a file in memory and for a streamed file', async () => {
    const model = 'gpt-4o-transcribe';
    const sound = Buffer.from(Array.from({ length: 50_000 }, (_, index) => (index * 13) % 256));
    const text = `The file größe.wav has 50000 bytes, SHA-256 ${hash('sha256', sound).slice(0, 16)}. You wrote: Names`;
    for (const file of [await toFile(sound, 'größe.wav'), toStreamingFile(new Blob([sound]).stream(), 'größe.wav')]) {
      const whole = await client.audio.transcriptions.create({ model, file, prompt: 'Names' }).withResponse();
      assert.equal(whole.data.text, text);
      assert.ok(whole.data.usage?.type === 'tokens');
      const { input_tokens, output_tokens } = whole.data.usage;
      assertUsed(await gateway.recorded(whole.response.headers.get('x-request-id')!), [input_tokens, output_tokens]);
    }
    const file = await toFile(sound, 'größe.wav');
    const streamed = await client.audio.transcriptions
      .create({ model, file, prompt: 'Names', stream: true, include: ['logprobs'] })
      .withResponse();
    const events = await Array.fromAsync(streamed.data);
    assert.equal(events.map((event) => ('delta' in event ? event.delta : '')).join(''), text);
    const done = events.at(-1)!;
    assert.ok(done.type === 'transcript.text.done');
    const { input_tokens, output_tokens } = done.usage!;
    assertUsed(await gateway.recorded(streamed.response.headers.get('x-request-id')!), [input_tokens, output_tokens]);
  });

  it('gets transcriptions in every format, and pays whisper-1 by the second', async () => {
    const { transcriptions } = client.audio;
    const newRequest = async () => ({ model: 'whisper-1', file: await toFile(Buffer.alloc(64_000), 'a.mp3') });
    const { data, request_id } = await transcriptions.create(await newRequest()).withResponse();
    const { text } = data;
    assert.equal((await gateway.recorded(request_id!)).provider_cost, '200000000');
    assert.match(text, /^The file a\.mp3 has 64000 bytes/);
    assert.equal(await transcriptions.create({ ...(await newRequest()), response_format: 'text' }), `${text}\n`);
    const srt = await transcriptions.create({ ...(await newRequest()), response_format: 'srt' });
    assert.match(srt, /^1\n00:00:00,000 --> 00:00:02,000\nThe file/);
    const vtt = await transcriptions.create({ ...(await newRequest()), response_format: 'vtt' });
    assert.match(vtt, /^WEBVTT\n\n00:00:00\.000 --> 00:00:02\.000\nThe file/);
    const timestamp_granularities: ('word' | 'segment')[] = ['word', 'segment'];
    const format = { response_format: 'verbose_json', timestamp_granularities } as const;
    const verbose = await transcriptions.create({ ...(await newRequest()), ...format });
    assert.deepEqual([verbose.duration, verbose.text, verbose.segments?.length], [2, text, 1]);
  });

  it('throws the right errors for invalid audio requests', async () => {
    const impatient = client.withOptions({ maxRetries: 0 });
    const speak = (input: string) => impatient.audio.speech.create({ model: 'gpt-4o-mini-tts', input, voice: 'alloy' });
    await assert.rejects(speak(''), { status: 400, param: 'input' });
    await assert.rejects(speak('[[sandbox: status=429]]'), OpenAI.RateLimitError);
    const broken = await speak('[[sandbox: tokens=400 cut_after=2 token_interval_ms=1]]');
    await assert.rejects(broken.arrayBuffer());
    const file = await toFile(Buffer.alloc(0), 'a.mp3');
    const { transcriptions } = impatient.audio;
    await assert.rejects(transcriptions.create({ model: 'gpt-4o-transcribe', file }), { status: 400, param: 'file' });
    const sound = await toFile(Buffer.alloc(9), 'a.mp3');
    await assert.rejects(transcriptions.create({ model: 'gpt-4o', file: sound }), OpenAI.NotFoundError);
  });
});

type SpeechEvent =
  | { readonly type: 'speech.audio.delta'; readonly audio: string }
  | {
      readonly type: 'speech.audio.done';
      readonly usage: { readonly input_tokens: number; readonly output_tokens: number };
    };
