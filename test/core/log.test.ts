import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { silentLog } from '../../src/core/log.ts';

const MODULE = new URL('../../src/core/log.ts', import.meta.url).href;

/** Output of a new process that logs as the script says. */
const written = (script: string): { stdout: string; lines: Record<string, unknown>[] } => {
  const source = `import { createLog } from ${JSON.stringify(MODULE)}; ${script}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
  });
  const lines = stderr.split('\n').filter((line) => line !== '');
  return { stdout, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
};

describe('the log', () => {
  it('has one line of JSON for each event on standard error, with the role of the process, and leaves standard output empty', () => {
    const { stdout, lines } = written(
      "const log = createLog('info', 'gateway'); log.info({ calls: 3 }, 'first\\nline'); log.warn('second');",
    );
    assert.equal(stdout, '');
    assert.deepEqual(
      lines.map(({ name, level, msg, calls }) => ({ name, level, msg, calls })),
      [
        { name: 'gateway', level: 30, msg: 'first\nline', calls: 3 },
        { name: 'gateway', level: 40, msg: 'second', calls: undefined },
      ],
    );
  });

  it('omits events below its level', () => {
    const { lines } = written("const log = createLog('warn', 'x'); log.info('no'); log.debug('no'); log.error('yes');");
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      ['yes'],
    );
  });

  it('contains the cause of an error, and events logged just before the process ends', () => {
    const { lines } = written(
      "createLog('info', 'x').error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed'); process.exit(1);",
    );
    assert.match(JSON.stringify(lines), /outer.*inner/);
  });

  it('hides API keys', () => {
    const { lines } = written(
      "const secret = 'sk_hidden'; createLog('info', 'x').info({ headers: { authorization: secret, 'x-api-key': secret }, demo: { api_key: secret, admin_key: secret }, api_key: secret, admin_key: secret }, 'call');",
    );
    assert.equal(lines.length, 1);
    assert.doesNotMatch(JSON.stringify(lines), /sk_hidden/);
  });

  it('can be silent', () => {
    assert.equal(silentLog.isLevelEnabled('fatal'), false);
  });
});
