import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { ClientResponse } from './http.ts';

interface Documented {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, object>> }>>;
}

/** Checks that a response is one that the OpenAPI document describes: its status, its media type, its body. */
export type CheckResponse = (method: string, path: string, client_response: ClientResponse) => void;

export const createResponseCheck = (document: object): CheckResponse => {
  const { paths } = document as Documented;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, 'api');
  const templates = Object.keys(paths).map((template) => ({
    template,
    pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }));
  return (method, path, client_response) => {
    const [bare] = path.split('?');
    const { template } =
      templates.find((each) => each.template === bare) ?? templates.find(({ pattern }) => pattern.test(bare!)) ?? {};
    assert.ok(template !== undefined, `${bare} is documented`);
    const operation = paths[template]![method.toLowerCase()];
    const response = operation?.responses[String(client_response.status)];
    assert.ok(
      response !== undefined,
      `${method} ${template} documents ${client_response.status}: ${client_response.text}`,
    );
    if (client_response.text === '') return;
    const type = String(client_response.headers['content-type']).split(';')[0]!;
    assert.ok(
      response.content?.[type] !== undefined,
      `${method} ${template} ${client_response.status} documents ${type}`,
    );
    if (!type.endsWith('json')) return;
    const pointer = [
      'paths',
      template,
      method.toLowerCase(),
      'responses',
      String(client_response.status),
      'content',
      type,
      'schema',
    ]
      .map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1'))
      .map(encodeURIComponent)
      .join('/');
    const validate = ajv.getSchema(`api#/${pointer}`)!;
    assert.ok(
      validate(client_response.json),
      `${method} ${path} ${client_response.status}: ${ajv.errorsText(validate.errors)} ${client_response.text}`,
    );
  };
};
