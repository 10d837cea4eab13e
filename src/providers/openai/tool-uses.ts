import type { ToolUses } from '../../pricing/usage.ts';
import { isObject } from '../json.ts';

/**
 * Tool uses of a response's output that OpenAI charges: each search of the web or of files, and each container that
 * runs code.
 */
export const toolUsesIn = (output: readonly unknown[]): ToolUses => {
  const uses: Record<string, number> = {};
  const containers = new Set<unknown>();
  for (const item of output) {
    if (!isObject(item) || typeof item.type !== 'string') continue;
    const container = containerOf(item);
    if (container !== null) containers.add(container);
    const name = nameOf(item.type, item.action);
    if (name !== null) uses[name] = (uses[name] ?? 0) + 1;
  }
  return containers.size === 0 ? uses : { ...uses, code_session: containers.size };
};

const containerOf = (item: Readonly<Record<string, unknown>>): string | null => {
  if (item.type === 'code_interpreter_call') return String(item.container_id ?? '');
  if (item.type !== 'shell_call' || !isObject(item.environment)) return null;
  const { type, container_id } = item.environment;
  return type === 'local' ? null : String(container_id ?? '');
};

const nameOf = (type: string, action: unknown): string | null => {
  // Opening a page of a search result costs only its tokens.
  if (type === 'web_search_call')
    return !isObject(action) || action.type === undefined || action.type === 'search' ? 'web_search' : null;
  if (type === 'file_search_call') return 'file_search';
  return type === 'image_generation_call' ? 'image_generation' : null;
};
