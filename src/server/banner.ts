import type { Product } from './start.ts';

/** Text printed at a start: the address, a key, and a call to paste. */
export const banner = ({ url, api_key }: Product, demo_path: string): string => `
OneVault Gateway listens on ${url}

  demo API key   ${api_key}
  all keys       ${demo_path}

Try it:

  curl ${url}/v1/chat/completions \\
    -H 'authorization: Bearer ${api_key}' \\
    -H 'content-type: application/json' \\
    -d '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}'

Ctrl-C stops it.
`;
