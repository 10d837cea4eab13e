import {
  checkModel,
  createPromptCounts,
  isJsonObject,
  type Json,
  objectOf,
  type PromptCounts,
  type SandboxCall,
  SandboxRefusal,
  type SandboxTool,
  tokensOf,
  toolOf,
} from '../call.ts';
import type { Target } from '../protocol.ts';
import { readContent, readContents } from './contents.ts';
import { checkSchema, fieldsOf, messageOf, repeated } from './fields.ts';

const REQUEST = fieldsOf(
  'model contents tools toolConfig safetySettings systemInstruction generationConfig cachedContent store serviceTier labels',
);
const CONFIG = fieldsOf(
  'candidateCount stopSequences maxOutputTokens temperature topP topK seed responseMimeType responseSchema responseJsonSchema responseModalities responseFormat presencePenalty frequencyPenalty responseLogprobs logprobs enableEnhancedCivicAnswers speechConfig thinkingConfig imageConfig mediaResolution audioTranscriptionConfig translationConfig',
);
const TOOL = fieldsOf(
  'functionDeclarations googleSearch googleSearchRetrieval codeExecution urlContext computerUse fileSearch googleMaps mcpServers',
);
const DECLARATION = fieldsOf('name description parameters parametersJsonSchema response responseJsonSchema behavior');
const CALLING = fieldsOf('mode allowedFunctionNames');
const THINKING = fieldsOf('includeThoughts thinkingBudget thinkingLevel');

/** Parses the body of `generateContent`. @throws SandboxRefusal */
export const parseGenerate = (given: Json, { model, stream }: Target): SandboxCall => {
  checkGoogleModel(model);
  const body = messageOf(given, REQUEST, '');
  const config = messageOf(body.generationConfig, CONFIG, 'generation_config');
  checkConfig(config);
  const counts = createPromptCounts();
  // Its role is ignored; some SDKs send system.
  if (isJsonObject(body.systemInstruction)) {
    readContent({ ...body.systemInstruction, role: 'user' }, 'system_instruction', counts);
  }
  const { user_text, tool_result } = readContents(body.contents, counts);
  const { tools, tool_choice } = toolsOf(body, counts);
  return {
    model,
    stream: stream !== null,
    sse: stream === 'sse',
    include_usage: true,
    prompt_tokens: tokensOf(counts.chars, counts.images),
    user_text,
    images: counts.images,
    tool_result,
    tools,
    tool_choice,
    parallel_tool_calls: true,
    schema: schemaOf(config),
    max_tokens: typeof config.maxOutputTokens === 'number' ? config.maxOutputTokens : null,
    stop: repeated(config.stopSequences).map(String),
    thinking: thinkingOf(messageOf(config.thinkingConfig, THINKING, 'generation_config.thinking_config')),
    body: { ...body, generationConfig: config },
  };
};

/** Refuses the unknown model, with Google's message. @throws SandboxRefusal 404 */
export const checkGoogleModel = (model: string): void => {
  try {
    checkModel(model);
  } catch (cause) {
    if (!(cause instanceof SandboxRefusal)) throw cause;
    throw new SandboxRefusal(
      404,
      `models/${model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.`,
    );
  }
};

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  temperature: [0, 2],
  topP: [0, 1],
  topK: [1, 1_000],
  candidateCount: [1, 8],
  maxOutputTokens: [1, 1_000_000],
  presencePenalty: [-2, 2],
  frequencyPenalty: [-2, 2],
};
const STOP_SEQUENCES_MAX = 5;

const checkConfig = (config: Json): void => {
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const value = config[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'number' || value < least || value > most) {
      throw new SandboxRefusal(
        400,
        `* GenerateContentRequest.generation_config.${name}: must be in the range [${least}, ${most}].\n`,
        `generation_config.${name}`,
      );
    }
  }
  if (repeated(config.stopSequences).length > STOP_SEQUENCES_MAX) {
    throw new SandboxRefusal(
      400,
      `* GenerateContentRequest.generation_config.stop_sequences: at most ${STOP_SEQUENCES_MAX} are allowed.\n`,
      'generation_config.stop_sequences',
    );
  }
  if (config.responseSchema !== undefined) checkSchema(config.responseSchema, 'generation_config.response_schema');
};

const schemaOf = ({ responseMimeType, responseSchema, responseJsonSchema }: Json): Json | null => {
  const schema = responseSchema ?? responseJsonSchema;
  if (responseMimeType !== 'application/json') {
    if (schema === undefined) return null;
    throw new SandboxRefusal(
      400,
      "* GenerateContentRequest.generation_config.response_mime_type: a response schema is only allowed with response_mime_type 'application/json'.\n",
      'generation_config.response_mime_type',
    );
  }
  return isJsonObject(schema) ? schema : { type: 'object' };
};

const thinkingOf = ({ includeThoughts, thinkingBudget, thinkingLevel }: Json): SandboxCall['thinking'] => {
  if (thinkingBudget === 0) return 'none';
  if (includeThoughts === true) return 'shown';
  return thinkingBudget === undefined && thinkingLevel === undefined ? 'none' : 'hidden';
};

const toolsOf = (
  body: Json,
  counts: PromptCounts,
): { tools: readonly SandboxTool[]; tool_choice: SandboxCall['tool_choice'] } => {
  const tools = repeated(body.tools).flatMap((tool, index) => {
    const { functionDeclarations } = messageOf(tool, TOOL, `tools[${index}]`);
    return repeated(functionDeclarations).map((declared, at) =>
      declaredTool(declared, `tools[${index}].function_declarations[${at}]`, counts),
    );
  });
  const { functionCallingConfig, function_calling_config } = objectOf(body.toolConfig);
  const calling = messageOf(
    functionCallingConfig ?? function_calling_config,
    CALLING,
    'tool_config.function_calling_config',
  );
  if (calling.mode === 'NONE') return { tools, tool_choice: 'none' };
  const allowed = repeated(calling.allowedFunctionNames);
  const usable = allowed.length === 0 ? tools : tools.filter(({ name }) => allowed.includes(name));
  return { tools: usable, tool_choice: calling.mode === 'ANY' ? 'required' : 'auto' };
};

const NAME = /^[a-zA-Z_][\w.:-]{0,127}$/;

const declaredTool = (declared: unknown, at: string, counts: PromptCounts): SandboxTool => {
  const { name, description, parameters, parametersJsonSchema } = messageOf(declared, DECLARATION, at);
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new SandboxRefusal(
      400,
      `* GenerateContentRequest.${at}.name: Invalid function name. Must start with a letter or an underscore.\n`,
      `${at}.name`,
    );
  }
  if (parameters !== undefined) checkSchema(parameters, `${at}.parameters`);
  const schema = parameters ?? parametersJsonSchema;
  return toolOf(counts, {
    name,
    description,
    schema: isJsonObject(schema) ? schema : { type: 'object', properties: {} },
  });
};
