import assert from 'node:assert/strict';
import fc from 'fast-check';
import { COMPATIBLE_PROVIDERS, variablesOf } from '../../src/providers/compatible-providers.ts';
import { ConfigError, readConfig } from '../../src/server/config.ts';
import { FAMILY_SETTINGS, SETTINGS } from '../../src/server/settings.ts';

const WITNESS_KEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const HEX_KEY = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const OTHER_HEX_KEY = HEX_KEY.replaceAll('0', 'f');

const NO_FAMILY = Object.fromEntries(
  COMPATIBLE_PROVIDERS.map(({ provider }) => [provider, { api_key: null, base_url: null }]),
);

type Environment = Readonly<Record<string, string | undefined>>;

const faultsOf = (environment: Environment): readonly string[] => {
  try {
    readConfig(environment, '/cwd');
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.faults;
  }
};

describe('the configuration', () => {
  it('is complete without any variable', () => {
    assert.deepEqual(readConfig({}, '/cwd'), {
      host: '127.0.0.1',
      port: 8080,
      data_dir: '/cwd/.onevault',
      database_url: null,
      log_level: 'info',
      journal_limit_bytes: 10_737_418_240,
      body_limit_bytes: 33_554_432,
      replay_limit_bytes: 67_108_864,
      max_calls_in_flight: 4_096,
      refused_keys_per_minute: 600,
      provider_timeout_ms: 120_000,
      provider_total_timeout_ms: 1_800_000,
      provider_response_limit_bytes: 67_108_864,
      provider_stream_limit_bytes: 268_435_456,
      provider_event_limit_bytes: 8_388_608,
      client_timeout_ms: 60_000,
      realtime: { sessions_max: 256, message_max_bytes: 16_777_216, idle_timeout_ms: 600_000 },
      shutdown_timeout_ms: 30_000,
      retention_days: 2_557,
      keys: { master_keys: [], kms: null },
      witness_keys: [],
      allowed_upstream_hosts: [],
      providers: {
        openai: { api_key: null, base_url: null },
        anthropic: { api_key: null, base_url: null },
        google: { api_key: null, base_url: null },
      },
      compatible_providers: NO_FAMILY,
    });
  });

  it('accepts every variable that it names, with or without spaces around the value', () => {
    const config = readConfig(
      {
        HOST: '::1',
        PORT: ' 0 ',
        DATABASE_URL: 'postgresql://u:p@db.internal:5432/vault',
        OPENAI_API_KEY: 'sk-1',
        OPENAI_BASE_URL: 'https://api.openai.com/v1/',
        ANTHROPIC_API_KEY: 'sk-2',
        ANTHROPIC_BASE_URL: 'http://127.0.0.1:9/',
        GEMINI_API_KEY: 'AIza-3',
        GOOGLE_BASE_URL: 'http://127.0.0.1:10/',
        ONEVAULT_DATA_DIR: 'data/here',
        ONEVAULT_MASTER_KEY: `${HEX_KEY} , ${Buffer.from(OTHER_HEX_KEY, 'hex').toString('base64')}`,
        ONEVAULT_KMS_URL: 'https://keys.internal:8200/',
        ONEVAULT_KMS_TOKEN: 'hvs.1',
        ONEVAULT_KMS_KEY: 'teams/transit/vault',
        ONEVAULT_WITNESS_KEYS: `${WITNESS_KEY} , ${WITNESS_KEY.replace('foo', 'bar')},`,
        ONEVAULT_LOG_LEVEL: 'silent',
        ONEVAULT_JOURNAL_LIMIT_BYTES: '1048576',
        ONEVAULT_BODY_LIMIT_BYTES: '1024',
        ONEVAULT_REFUSED_KEYS_PER_MINUTE: '7',
        ONEVAULT_MAX_CALLS_IN_FLIGHT: '1',
        ONEVAULT_PROVIDER_TIMEOUT_MS: '100',
        ONEVAULT_PROVIDER_TOTAL_TIMEOUT_MS: '200',
        ONEVAULT_PROVIDER_RESPONSE_LIMIT_BYTES: '1025',
        ONEVAULT_PROVIDER_STREAM_LIMIT_BYTES: '1026',
        ONEVAULT_PROVIDER_EVENT_LIMIT_BYTES: '1027',
        ONEVAULT_REPLAY_LIMIT_BYTES: '1048577',
        ONEVAULT_CLIENT_TIMEOUT_MS: '300',
        ONEVAULT_REALTIME_SESSIONS_MAX: '1',
        ONEVAULT_REALTIME_MESSAGE_LIMIT_BYTES: '1028',
        ONEVAULT_REALTIME_IDLE_TIMEOUT_MS: '301',
        ONEVAULT_SHUTDOWN_TIMEOUT_MS: '600000',
        ONEVAULT_RETENTION_DAYS: '183',
        ONEVAULT_ALLOWED_UPSTREAM_HOSTS: 'vLLM.corp.example:8000, 10.0.0.5,[fd00::5]',
      } satisfies Record<keyof typeof SETTINGS, string>,
      '/cwd',
    );
    assert.deepEqual(config, {
      host: '::1',
      port: 0,
      data_dir: '/cwd/data/here',
      database_url: 'postgresql://u:p@db.internal:5432/vault',
      log_level: 'silent',
      journal_limit_bytes: 1_048_576,
      body_limit_bytes: 1_024,
      replay_limit_bytes: 1_048_577,
      max_calls_in_flight: 1,
      refused_keys_per_minute: 7,
      provider_timeout_ms: 100,
      provider_total_timeout_ms: 200,
      provider_response_limit_bytes: 1_025,
      provider_stream_limit_bytes: 1_026,
      provider_event_limit_bytes: 1_027,
      client_timeout_ms: 300,
      realtime: { sessions_max: 1, message_max_bytes: 1_028, idle_timeout_ms: 301 },
      shutdown_timeout_ms: 600_000,
      retention_days: 183,
      keys: {
        master_keys: [HEX_KEY, OTHER_HEX_KEY],
        kms: { url: 'https://keys.internal:8200', token: 'hvs.1', key: 'teams/transit/vault' },
      },
      witness_keys: [WITNESS_KEY, WITNESS_KEY.replace('foo', 'bar')],
      allowed_upstream_hosts: ['vllm.corp.example:8000', '10.0.0.5', '[fd00::5]'],
      providers: {
        openai: { api_key: 'sk-1', base_url: 'https://api.openai.com/v1' },
        anthropic: { api_key: 'sk-2', base_url: 'http://127.0.0.1:9' },
        google: { api_key: 'AIza-3', base_url: 'http://127.0.0.1:10' },
      },
      compatible_providers: NO_FAMILY,
    });
    assert.equal(readConfig({ ONEVAULT_DATA_DIR: '/else/where' }, '/cwd').data_dir, '/else/where');
  });

  it('treats an empty variable as unset', () => {
    const names = Object.keys({ ...SETTINGS, ...FAMILY_SETTINGS });
    const empty = Object.fromEntries(names.map((name) => [name, ' ']));
    assert.deepEqual(readConfig(empty, '/cwd'), readConfig({}, '/cwd'));
  });

  it('cannot be changed after it was read', () => {
    const config = readConfig({}, '/cwd');
    for (const part of [
      ...[config.compatible_providers, ...Object.values(config.compatible_providers)],
      ...[config, config.providers, config.providers.openai, config.providers.anthropic],
      ...[config.keys, config.keys.master_keys, config.witness_keys],
      ...[config.allowed_upstream_hosts, config.realtime],
    ]) {
      assert.ok(Object.isFrozen(part));
    }
  });

  it('is refused with every fault at once, each with its variable', () => {
    const bad: Environment = {
      PORT: 'http',
      DATABASE_URL: 'mysql://localhost/x',
      ONEVAULT_LOG_LEVEL: 'loud',
      ONEVAULT_MAX_CALLS_IN_FLIGHT: '0',
      ANTHROPIC_BASE_URL: 'localhost',
      ONEVAULT_PROVIDER_TIMEOUT_MS: '1.5',
      ONEVAULT_COLOUR: 'red',
    };
    const faults = faultsOf(bad);
    assert.equal(faults.length, Object.keys(bad).length);
    for (const name of Object.keys(bad)) {
      assert.equal(faults.filter((fault) => fault.startsWith(name)).length, 1, name);
    }
    assert.throws(() => readConfig(bad, '/cwd'), {
      name: 'ConfigError',
      message: `the configuration has 7 fault(s):\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    });
  });

  it('accepts witnesses by verifier keys, and names an invalid one', () => {
    assert.deepEqual(readConfig({}, '/cwd').witness_keys, []);
    for (const key of ['example.com/foo', 'foo+530d903+Aekye', 'f oo+530d903a+Aekye', '+530d903a+Aekye']) {
      assert.match(
        faultsOf({ ONEVAULT_WITNESS_KEYS: `${WITNESS_KEY},${key}` })[0]!,
        /^ONEVAULT_WITNESS_KEYS: .* must be <name>/,
      );
    }
  });

  it('names every wrong item of a list', () => {
    const faults = faultsOf({ ONEVAULT_ALLOWED_UPSTREAM_HOSTS: 'one.corp/v1, ok.corp, two.corp/v1' });
    assert.deepEqual(
      faults.map((fault) => fault.split(' ')[1]),
      ['one.corp/v1', 'two.corp/v1'],
    );
  });

  it('accepts both bounds of every number, and refuses the numbers beyond them', () => {
    for (const [name, setting] of Object.entries(SETTINGS)) {
      if (setting.type !== 'integer') continue;
      const { min, max } = setting;
      assert.ok(setting.default >= min && setting.default <= max, name);
      assert.deepEqual(
        [min, max].flatMap((value) => faultsOf({ [name]: String(value) })),
        [],
      );
      assert.equal(faultsOf({ [name]: String(max + 1) }).length, 1, name);
      if (min > 0) assert.equal(faultsOf({ [name]: String(min - 1) }).length, 1, name);
    }
    assert.deepEqual(faultsOf({ ONEVAULT_RETENTION_DAYS: '0' }), []);
  });

  it('accepts hosts as URLs spell them, and no other spelling, which would never match', () => {
    for (const host of [
      ...['https://vllm.corp', 'vllm.corp/v1', 'u:secret@vllm.corp', 'vllm.corp.', '*.corp', '10.0.0.0/8', '127.1'],
      ...['2130706433', 'fd00::5', 'vllm.corp:443', 'vllm.corp:99999', 'büro.example', 'a b', '[::ffff:10.0.0.1]'],
    ]) {
      const [fault] = faultsOf({ ONEVAULT_ALLOWED_UPSTREAM_HOSTS: `ok.corp,${host}` });
      assert.match(fault ?? '', /^ONEVAULT_ALLOWED_UPSTREAM_HOSTS: .* must be a host as URLs have it/, host);
      assert.doesNotMatch(fault ?? '', /secret/);
    }
  });

  it('accepts only integers within their range', () => {
    for (const port of ['-1', '65536', '1e3', '0x50', '80 80', '8080.0', '+80', '٨', '99999999999999999999']) {
      assert.deepEqual(faultsOf({ PORT: port }), [`PORT=${port}: must be a whole number from 0 to 65535`]);
    }
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_535 }), (port) => {
        assert.equal(readConfig({ PORT: String(port) }, '/cwd').port, port);
      }),
    );
  });

  it('omits passwords in addresses from its faults', () => {
    for (const name of ['DATABASE_URL', 'OPENAI_BASE_URL', 'ANTHROPIC_BASE_URL']) {
      const [fault, ...more] = faultsOf({ [name]: 'redis://user:hidden@host/x' });
      assert.deepEqual(more, []);
      assert.match(fault!, new RegExp(`^${name}: must be a URL that starts with `));
      assert.doesNotMatch(fault!, /hidden/);
    }
  });

  it('refuses a malformed master key, and omits it from its faults', () => {
    const bad = [
      HEX_KEY.slice(2),
      `${HEX_KEY}00`,
      HEX_KEY.replace('0', 'g'),
      '00'.repeat(32),
      'A'.repeat(43),
      'correct horse battery staple',
      `${HEX_KEY},`,
      `${HEX_KEY},${HEX_KEY.slice(1)}`,
      `${HEX_KEY},${Buffer.from(HEX_KEY, 'hex').toString('base64')}`,
    ];
    for (const ONEVAULT_MASTER_KEY of bad) {
      const [fault, ...more] = faultsOf({ ONEVAULT_MASTER_KEY });
      assert.deepEqual(more, []);
      assert.match(fault!, /^ONEVAULT_MASTER_KEY: /);
      for (const part of ONEVAULT_MASTER_KEY.split(',').filter((each) => each !== '')) {
        assert.equal(fault!.includes(part), false, 'the key stands in the fault');
      }
    }
    for (const key of [HEX_KEY.toUpperCase(), Buffer.from(HEX_KEY, 'hex').toString('base64url')]) {
      assert.deepEqual(readConfig({ ONEVAULT_MASTER_KEY: key }, '/cwd').keys.master_keys, [HEX_KEY]);
    }
  });

  it('requires address and token of a key management service together, and has a default name for the key', () => {
    const url = 'https://keys.internal';
    assert.deepEqual(faultsOf({ ONEVAULT_KMS_URL: url }), ['ONEVAULT_KMS_TOKEN: is needed with ONEVAULT_KMS_URL']);
    assert.deepEqual(faultsOf({ ONEVAULT_KMS_TOKEN: 'x' }), ['ONEVAULT_KMS_URL: is needed with ONEVAULT_KMS_TOKEN']);
    assert.deepEqual(readConfig({ ONEVAULT_KMS_URL: url, ONEVAULT_KMS_TOKEN: 'x' }, '/cwd').keys.kms, {
      url,
      token: 'x',
      key: 'onevault',
    });
    for (const key of ['/x', 'x/', 'a//b', 'a b', 'a?b', '../..#']) {
      assert.match(faultsOf({ ONEVAULT_KMS_KEY: key })[0]!, /^ONEVAULT_KMS_KEY=.*: must be a name/);
    }
  });

  it('recognises a variable with a wrong, missing, doubled or swapped letter', () => {
    const name = fc.constantFrom(...Object.keys(SETTINGS).filter((each) => each.length >= 8));
    const letter = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZ_');
    const typo = fc.tuple(name, fc.nat(), letter, fc.nat(3)).map(([right, at, other, kind]) => {
      const place = at % right.length;
      const [head, tail] = [right.slice(0, place), right.slice(place)];
      if (kind === 0) return { right, wrong: head + other + tail.slice(1) };
      if (kind === 1) return { right, wrong: head + tail.slice(1) };
      if (kind === 2) return { right, wrong: head + other + tail };
      return { right, wrong: head + (tail[1] ?? '') + tail[0] + tail.slice(2) };
    });
    fc.assert(
      fc.property(typo, ({ right, wrong }) => {
        fc.pre(!(wrong in SETTINGS));
        assert.deepEqual(faultsOf({ [wrong]: 'x' }), [`${wrong}: no such variable; did you mean ${right}?`]);
      }),
    );
  });

  it('accepts a key and an address of each compatible provider by its name', () => {
    for (const { provider, base_url } of COMPATIBLE_PROVIDERS) {
      const names = variablesOf(provider);
      const of = (env: Environment) => readConfig(env, '/cwd').compatible_providers[provider];
      const address = 'https://models.example.com/v1';
      assert.deepEqual(of({ [names.base_url]: `${address}/` }), { api_key: null, base_url: address });
      assert.deepEqual(of({ [names.api_key]: ' k ', [names.base_url]: address }), {
        api_key: 'k',
        base_url: address,
      });
      if (base_url !== null) {
        assert.deepEqual(of({ [names.api_key]: 'k' }), { api_key: 'k', base_url: null });
        continue;
      }
      assert.deepEqual(faultsOf({ [names.api_key]: 'k' }), [`${names.base_url}: is needed with ${names.api_key}`]);
    }
    assert.match(faultsOf({ GROQ_BASE_URL: 'localhost' })[0]!, /^GROQ_BASE_URL: must be a URL/);
    assert.deepEqual(variablesOf('azure-openai'), {
      api_key: 'AZURE_OPENAI_API_KEY',
      base_url: 'AZURE_OPENAI_BASE_URL',
    });
  });

  it('recognises a misspelt variable of the compatible providers by its suffix, and ignores possible other providers', () => {
    assert.deepEqual(faultsOf({ GROQ_API_KYE: 'k' }), ['GROQ_API_KYE: no such variable; did you mean GROQ_API_KEY?']);
    const others = ['GROK_API_KEY', 'ZAI_API_KEY', 'LLM_BASE_URL', 'MISTRAL_MODEL', 'OLLAMA_HOST', 'XAI_REGION'];
    assert.deepEqual(faultsOf(Object.fromEntries(others.map((name) => [name, 'x']))), []);
  });

  it('refuses an unknown variable with its prefix, however different from a known one', () => {
    const [fault, ...more] = faultsOf({ ONEVAULT_SOMETHING_ELSE_ENTIRELY: '1' });
    assert.deepEqual(more, []);
    assert.match(fault!, /^ONEVAULT_SOMETHING_ELSE_ENTIRELY: no such variable; did you mean ONEVAULT_/);
  });

  it('ignores the variables of other programs', () => {
    const others = [
      'PATH',
      'HOME',
      'HOSTNAME',
      'NODE_ENV',
      'OPENAI_ORG_ID',
      'PGHOST',
      'LANG',
      'POST',
      'HTTP_PROXY',
      'REDIS_URL',
      'TERM',
    ];
    assert.deepEqual(faultsOf(Object.fromEntries(others.map((name) => [name, 'x']))), []);
  });
});
