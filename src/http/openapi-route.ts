import Router from '@koa/router';
import { openApiDocument } from './openapi.ts';
import type { RouteContract } from './route.ts';

/** `GET /openapi.json`: all routes of the product, without a key. */
export const openApi = (routes: readonly RouteContract[]): Router => {
  const text = JSON.stringify(openApiDocument([...routes, OPENAPI_CONTRACT]));
  return new Router().get(OPENAPI_CONTRACT.path, (ctx) => {
    ctx.type = 'application/json';
    ctx.body = text;
  });
};

const OPENAPI_CONTRACT: RouteContract = {
  method: 'get',
  path: '/openapi.json',
  operation_id: 'openapi.read',
  plane: 'control',
  summary: 'This document',
  permission: null,
  responses: {
    200: {
      description: 'OpenAPI 3.1.',
      form: 'bare',
      schema: { type: 'object', required: ['openapi', 'info', 'paths'], additionalProperties: true },
    },
  },
};
