import assert from 'node:assert/strict';
import { pino } from 'pino';
import { createStateLog } from '../../src/core/state-log.ts';

describe('the log of a state', () => {
  it('has one line for each change, however often an outcome is reported', () => {
    const lines: { readonly level: number; readonly msg: string; readonly n?: number }[] = [];
    const log = pino({ level: 'debug' }, { write: (text) => lines.push(JSON.parse(text)) });
    const state = createStateLog(log, { bad: 'it fails', good: 'it works again' });
    state.succeeded();
    for (const n of [1, 2, 3]) state.failed({ n });
    for (let times = 0; times < 3; times += 1) state.succeeded();
    state.failed({ n: 4 });
    assert.deepEqual(
      lines.map(({ level, msg, n = 0 }) => [pino.levels.labels[level], msg, n]),
      [
        ['warn', 'it fails', 1],
        ['info', 'it works again', 0],
        ['warn', 'it fails', 4],
      ],
    );
  });
});
