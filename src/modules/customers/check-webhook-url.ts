import { isIP } from 'node:net';
import { invalidBody } from '../../http/faults.ts';
import { isReachable } from '../../providers/transport/address-ranges.ts';

/**
 * Refuses a webhook URL that leads into the operator's own network by its address, or that parsers read differently.
 * @throws OneVaultError validation_error
 */
export const checkWebhookUrl = (text: string): void => {
  if (!URL.canParse(text)) throw invalid('is not a URL: write it as https://example.com/hook.');
  const url = new URL(text);
  if (url.href !== text && url.href !== `${text}/`)
    throw invalid(`is not in its canonical form: write it as ${url.href}.`);
  if (url.username !== '' || url.password !== '') throw invalid('contains a user name or a password: leave them out.');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 ? !isReachable(host, 'public') : /^localhost\.?$|\.localhost\.?$/.test(host)) {
    throw invalid('names an address that is not public. Name a public host.');
  }
};

const invalid = (fault: string) =>
  invalidBody([{ path: '/webhook_url', code: 'format', message: `webhook_url ${fault}` }]);
