import type { Scene } from './scenes.ts';
import type { SentCall } from './send.ts';

/** Results of a scene's calls, as their clients saw them. */
export interface PlayedScene {
  readonly scene: Scene;
  readonly calls: readonly SentCall[];
  /** Number of calls by result. */
  readonly seen: Readonly<Record<string, number>>;
}

// As many concurrent calls as a small company has.
const AT_ONCE = 16;

/** Makes the calls of all scenes, mixed and concurrently. */
export const play = async (scenes: readonly Scene[]): Promise<PlayedScene[]> => {
  const sent = new Map<Scene, SentCall[]>(scenes.map((scene) => [scene, []]));
  const queue = mixed(scenes);
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      sent.get(next.scene)!.push(await next.scene.send(next.number));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return [...sent].map(([scene, calls]) => ({ scene, calls, seen: countSeen(calls) }));
};

/** One call of each scene in turn, until there are none. */
const mixed = (scenes: readonly Scene[]): { readonly scene: Scene; readonly number: number }[] =>
  scenes
    .flatMap((scene) => Array.from({ length: scene.count }, (_, number) => ({ scene, number })))
    .toSorted((a, b) => a.number / a.scene.count - b.number / b.scene.count);

const countSeen = (calls: readonly SentCall[]): Record<string, number> => {
  const seen: Record<string, number> = {};
  for (const call of calls) seen[call.seen] = (seen[call.seen] ?? 0) + 1;
  return seen;
};

const WITHOUT_VALID_KEY: ReadonlySet<string> = new Set([
  'missing_api_key',
  'invalid_api_key',
  'revoked_api_key',
  'expired_api_key',
]);

/** Calls that get no record of their own: those after the first without a valid key, which the audit log counts. */
export const countedOnly = (played: readonly PlayedScene[]): number =>
  played
    .filter(({ scene }) => scene.expected.every((code) => WITHOUT_VALID_KEY.has(code)))
    .reduce((sum, { calls }) => sum + calls.length - 1, 0);

/** True if the results are exactly those that the scene expects. */
export const isAsExpected = ({ scene, seen }: PlayedScene): boolean =>
  Object.keys(seen).toSorted().join() === scene.expected.toSorted().join();
