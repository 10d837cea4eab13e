import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program in a separate process, so that its work does not slow the measured process. */
export interface Program<Question, Answer> {
  /** Sends one request at a time. @throws Error with the program's error, or if it has ended */
  request(input: Question): Promise<Answer>;
  stop(): Promise<void>;
}

type Reply<Answer> = { readonly answer: Answer } | { readonly error: string };

/** Starts a file that calls `answerQuestions`. Requests and responses are sent as JSON. */
export const startProgram = <Question extends object, Answer>(file: URL): Program<Question, Answer> => {
  const child = fork(fileURLToPath(file), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  return {
    request: (input) => {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const ended = (code: number | null): void => reject(new Error(`${file.pathname} ended: ${code}`));
      child.once('exit', ended);
      child.once('message', (response: Reply<Answer>) => {
        child.off('exit', ended);
        if ('error' in response) reject(new Error(response.error));
        else resolve(response.answer);
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
export const serveRequests = <Question, Answer>(
  work: (input: Question) => Promise<Answer>,
  close: () => Promise<void> = async () => {},
): void => {
  process.on('message', (input: Question) => {
    work(input).then(
      (answer) => process.send!({ answer } satisfies Reply<Answer>),
      (error: Error) => process.send!({ error: error.stack ?? error.message } satisfies Reply<Answer>),
    );
  });
  process.on('disconnect', () => {
    void close().finally(() => process.exit(0));
  });
};
