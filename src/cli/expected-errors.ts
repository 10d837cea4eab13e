import { CertificateNotCoveredError } from '../audit/destroyed.ts';
import { InputError } from '../core/input-error.ts';
import { StartupError } from '../core/startup-error.ts';
import { KmsError, UnknownMasterKeyError, UnwrapError } from '../keys/kms.ts';
import { RotationError } from '../keys/rotate-keys.ts';
import { JobBusyError } from '../postgres/lease.ts';
import { ConfigError } from '../server/config.ts';

const EXPECTED = [
  ConfigError,
  StartupError,
  InputError,
  JobBusyError,
  CertificateNotCoveredError,
  KmsError,
  RotationError,
  UnknownMasterKeyError,
  UnwrapError,
];

/** Errors whose message is enough for the user; any other is a bug and is shown with its stack. */
export const isExpected = (error: unknown): error is Error => EXPECTED.some((kind) => error instanceof kind);
