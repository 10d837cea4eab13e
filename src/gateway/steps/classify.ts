import { type Model, priceAt, type Snapshot } from '../../control/snapshot.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { ChatRequest } from '../../providers/contract.ts';
import type { Call, CandidateOffer, Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import { detectFlags } from '../detectors.ts';
import { isForChat, isServed } from '../offers.ts';
import { worstCost } from '../rating.ts';

// What a provider's own tool instructions add to a prompt (Anthropic publishes 313 to 530 tokens).
const TOOL_PROMPT_TOKENS = 1_024;
// Stands in where neither the client nor the catalog bounds a reply: as long as any model writes today.
const LONGEST_REPLY_TOKENS = 131_072;

/** Finds what a prompt holds that needs care, which offers could serve it, and what each could cost at most. */
export const classify =
  (deps: GatewayDeps): Step =>
  (call) => {
    const ask = call.ask!;
    const current = deps.snapshot();
    call.compliance_flags = detectFlags(promptText(ask.chat));
    const models = ask.model === null ? [...current.models.values()] : [findModel(current, ask.model)];
    const now_ms = deps.clock.now();
    call.eligible = models
      .filter(isForChat)
      .flatMap((model) => candidatesOf(call, model, now_ms))
      .filter(({ offer }) => isServed(deps, offer));
    if (call.eligible.length === 0) {
      throw new OneVaultError('model_not_found', {
        param: 'model',
        details: 'No provider offers it for chat now.',
      });
    }
    refuseUnpriced(call);
    refuseDearer(call);
  };

const findModel = (snapshot: Snapshot, name: string): Model => {
  const model = snapshot.models.get(name);
  if (model !== undefined) return model;
  throw new OneVaultError('model_not_found', {
    param: 'model',
    details: `There is no model ${JSON.stringify(name.slice(0, 100))}; GET /v1/models lists those that are.`,
  });
};

const candidatesOf = (call: Call, model: Model, now_ms: number): CandidateOffer[] => {
  const prompt_tokens = mostPromptTokens(call, model);
  const completion_tokens = mostCompletionTokens(call.ask!.chat, model);
  return model.offers.map((offer) => {
    const price = priceAt(offer, now_ms);
    return {
      offer,
      price,
      provider_model_name: price?.provider_model_name ?? model.model,
      max_output_tokens: model.max_output_tokens,
      most_prompt_tokens: prompt_tokens,
      most_completion_tokens: completion_tokens,
      worst_cost:
        price === null
          ? null
          : worstCost(prompt_tokens, completion_tokens, price, call.customer!.markup_basis_points),
    };
  });
};

/** A byte-level tokenizer makes no token of less than a byte; only pictures weigh more than their reference. */
const mostPromptTokens = (call: Call, model: Model): number => {
  const window = model.context_window_tokens ?? Number.MAX_SAFE_INTEGER;
  const chat = call.ask!.chat;
  const tools = chat.tools === undefined ? 0 : TOOL_PROMPT_TOKENS;
  const has_pictures = chat.messages.some(
    ({ content }) => Array.isArray(content) && content.some(({ type }) => type !== 'text'),
  );
  return has_pictures && model.context_window_tokens !== null
    ? window
    : Math.min(call.body.length + tools, window);
};

const mostCompletionTokens = (chat: ChatRequest, model: Model): number => {
  const asked = chat.max_completion_tokens ?? chat.max_tokens;
  const most = asked ?? model.max_output_tokens ?? LONGEST_REPLY_TOKENS;
  return most * (typeof chat.n === 'number' ? chat.n : 1);
};

const refuseUnpriced = (call: Call): void => {
  if (call.customer!.unpriced_policy === 'allow') return;
  call.eligible = call.eligible.filter(({ worst_cost }) => worst_cost !== null);
  if (call.eligible.length === 0) throw new OneVaultError('unpriced_model', { param: 'model' });
};

const refuseDearer = (call: Call): void => {
  const { max_cost } = call.ask!;
  if (max_cost === null) return;
  call.eligible = call.eligible.filter(({ worst_cost }) => worst_cost !== null && worst_cost <= max_cost);
  if (call.eligible.length > 0) return;
  throw new OneVaultError('budget_exceeded', {
    param: 'max_cost',
    details: 'No model is sure to stay within max_cost: raise it, or lower max_tokens.',
  });
};

const promptText = (chat: ChatRequest): string => {
  const texts: string[] = [];
  for (const { content } of chat.messages) {
    if (typeof content === 'string') texts.push(content);
    else for (const part of content ?? []) if (part.text !== undefined) texts.push(part.text);
  }
  return texts.join('\n');
};
