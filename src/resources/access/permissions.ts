/** The use that a key is for. */
export type Scope = 'admin' | 'auditor' | 'calls';

/** The scope of an administrator's key: everything of the control plane. */
export const ADMIN_SCOPE = 'admin';

/** A permission, as `customer.list`: the resource and the action. */
interface Grant {
  /** Permissions, or all of an action (`*.read`), or all (`*`). */
  readonly has: readonly string[];
  readonly but?: readonly string[];
}

/** The permissions of the three kinds of key: the only place that defines them. */
const GRANTS: Readonly<Record<Scope, Grant>> = {
  admin: { has: ['*'] },
  // An auditor checks the use of personal data, and does not need the data itself for that.
  auditor: { has: ['*.list', '*.read', '*.prove'], but: ['contact.read'] },
  calls: { has: ['audit.prove', 'audit.read'] },
};

export const SCOPES = Object.keys(GRANTS) as readonly Scope[];

/** The kinds of key that have a permission. */
export const scopesWith = (permission: string): readonly Scope[] =>
  SCOPES.filter((scope) => {
    const { has, but = [] } = GRANTS[scope];
    return has.some((pattern) => fits(pattern, permission)) && !but.includes(permission);
  });

const fits = (pattern: string, permission: string): boolean => {
  if (pattern === '*') return true;
  return pattern.startsWith('*.') ? permission.endsWith(pattern.slice(1)) : pattern === permission;
};
