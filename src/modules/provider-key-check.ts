/**
 * Asks a provider about a customer's own key.
 * @throws OneVaultError provider_key_refused when the provider does not accept it; invalid_request when the address
 * may not be used; what keeps us from asking, as provider_unreachable, otherwise
 */
export type ProviderKeyCheck = (wanted: {
  readonly provider: string;
  readonly api_key: string;
  /** The customer's own endpoint; null for the provider's. */
  readonly base_url: string | null;
}) => Promise<void>;
