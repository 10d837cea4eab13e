import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program in a separate process, so that its work does not slow the measured process. */
export interface Program<Question, Result> {
  /** Sends one request at a time. @throws Error with the program's error, or if it has ended */
  request(input: Question): Promise<Result>;
  stop(): Promise<void>;
}

type ProgramMessage<Result> = { readonly result: Result } | { readonly error: string };

/** Starts a file that calls `answerQuestions`. Requests and responses are sent as JSON. */
export const startProgram = <Question extends object, Result>(file: URL): Program<Question, Result> => {
  const child = fork(fileURLToPath(file), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  return {
    request: (input) => {
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      const ended = (code: number | null): void => reject(new Error(`${file.pathname} ended: ${code}`));
      child.once('exit', ended);
      child.once('message', (response: ProgramMessage<Result>) => {
        child.off('exit', ended);
        if ('error' in response) reject(new Error(response.error));
        else resolve(response.result);
      });
      child.send(input);
      return promise;
    },
    stop: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
};

/**
 * The other side: responds to each request until the parent process disconnects.
 * @param close closes open resources at the end
 */
export const serveRequests = <Question, Result>(
  work: (input: Question) => Promise<Result>,
  close: () => Promise<void> = async () => {},
): void => {
  process.on('message', (input: Question) => {
    work(input).then(
      (result) => process.send!({ result } satisfies ProgramMessage<Result>),
      (error: Error) => process.send!({ error: error.stack ?? error.message } satisfies ProgramMessage<Result>),
    );
  });
  process.on('disconnect', () => {
    void close().finally(() => process.exit(0));
  });
};
