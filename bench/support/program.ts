import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program in a process of its own, so that its work does not slow what is measured beside it. */
export interface Program<Question, Answer> {
  /** One question at a time. @throws Error with what went wrong in the program, or that it ended */
  ask(question: Question): Promise<Answer>;
  stop(): Promise<void>;
}

type Reply<Answer> = { readonly answer: Answer } | { readonly error: string };

/** Starts a file that calls `answerQuestions`. Questions and answers travel as JSON. */
export const startProgram = <Question extends object, Answer>(file: URL): Program<Question, Answer> => {
  const child = fork(fileURLToPath(file), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  return {
    ask: (question) => {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const ended = (code: number | null): void => reject(new Error(`${file.pathname} ended: ${code}`));
      child.once('exit', ended);
      child.once('message', (reply: Reply<Answer>) => {
        child.off('exit', ended);
        if ('error' in reply) reject(new Error(reply.error));
        else resolve(reply.answer);
      });
      child.send(question);
      return promise;
    },
    stop: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
};

/**
 * The other side: answers each question until the one who asks goes away.
 * @param close what is still open is closed with it
 */
export const answerQuestions = <Question, Answer>(
  work: (question: Question) => Promise<Answer>,
  close: () => Promise<void> = async () => {},
): void => {
  process.on('message', (question: Question) => {
    work(question).then(
      (answer) => process.send!({ answer } satisfies Reply<Answer>),
      (error: Error) => process.send!({ error: error.stack ?? error.message } satisfies Reply<Answer>),
    );
  });
  process.on('disconnect', () => {
    void close().finally(() => process.exit(0));
  });
};
