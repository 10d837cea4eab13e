import type { JsonObject } from '../../../../providers/chat-form.ts';

/** A validated generateContent request: known fields by name, and others. */
export type GenerateRequest = JsonObject & {
  readonly contents: readonly Content[];
  readonly systemInstruction?: Content;
  readonly tools?: readonly JsonObject[];
  readonly toolConfig?: JsonObject & { readonly functionCallingConfig?: CallingConfig };
  readonly safetySettings?: readonly JsonObject[];
  readonly generationConfig?: GenerationConfig;
};

export interface Content {
  readonly role?: string;
  readonly parts: readonly Part[];
}

export type Part = JsonObject & {
  readonly text?: string;
  readonly thought?: boolean;
  readonly thoughtSignature?: string;
  readonly inlineData?: InlineData;
  readonly fileData?: FileData;
  readonly functionCall?: { readonly id?: string; readonly name: string; readonly args?: JsonObject };
  readonly functionResponse?: FunctionResponse;
};

export type InlineData = JsonObject & { readonly mimeType: string; readonly data: string };
export type FileData = JsonObject & { readonly mimeType?: string; readonly fileUri: string };

export type FunctionResponse = JsonObject & {
  readonly id?: string;
  readonly name: string;
  readonly response?: JsonObject;
  readonly parts?: readonly JsonObject[];
};

export interface CallingConfig {
  readonly mode?: string;
  readonly allowedFunctionNames?: readonly string[];
}

export type GenerationConfig = JsonObject & {
  readonly responseMimeType?: string;
  readonly responseSchema?: JsonObject;
  readonly thinkingConfig?: {
    readonly includeThoughts?: boolean;
    readonly thinkingBudget?: number;
    readonly thinkingLevel?: string;
  };
};
