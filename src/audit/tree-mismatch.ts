/** The database's tree is not what was published: nothing may be signed. */
export class TreeMismatchError extends Error {
  readonly reason: 'other-log' | 'rewound' | 'rewritten';

  constructor(reason: TreeMismatchError['reason'], message: string) {
    super(message);
    this.name = 'TreeMismatchError';
    this.reason = reason;
  }
}
