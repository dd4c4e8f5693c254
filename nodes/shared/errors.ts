/**
 * Anything thrown, as the error that a flow gets: a code of the contract, and a sentence that says what to do, in the
 * language of the runtime where the catalogue has one, the English detail behind it.
 */
import { CodedError, invalidInput, textOf } from '../../src/common/errors';
import { foreignText } from '../../src/common/foreign';
import type { Words } from './words';

/** The error itself, or for what is none of ours, a defect, `INTERNAL`. */
export function asCoded(thrown: unknown): CodedError {
  if (thrown instanceof CodedError) return thrown as CodedError;
  return new CodedError('INTERNAL', `unexpected: ${textOf(thrown)}`, {
    retriable: false,
    hint: 'This is a defect of the package. Please report it with the debug log.',
  });
}

/** For Catch nodes, the log and the debug sidebar. Without a stack: that would say where in this package, not what to do. */
export function forFlow(error: CodedError, words: Words): CodedError {
  const { code, message, cause, badge } = error;
  // Why it was this time comes before what the code means in general. What is wrong with an input only the detail says.
  const known =
    (badge === undefined ? undefined : words(`error.${badge}`)) ??
    (code === 'INVALID_INPUT' ? undefined : words(`error.${code}`));
  const advice = known ?? (cause.hint === message ? '' : cause.hint);
  const text =
    advice === '' ? message : code === 'INVALID_INPUT' ? `${sentence(message)} ${advice}` : `${advice} (${message})`;
  const shown = new CodedError(code, foreignText(text, 2000), cause, badge);
  Object.defineProperty(shown, 'stack', { value: undefined });
  return shown;
}

export const UNREADABLE = invalidInput(
  'the message holds something that cannot be read or copied',
  'Send plain values: texts, numbers, lists and objects, not nested without end.',
);

/** What a command ends with when its node is closed before the command was sent. */
export function closedError(): CodedError {
  const hint = 'The flow was redeployed or stopped. Send the message again if it is still wanted.';
  const message = 'the node was closed before the command had its turn; it was not sent';
  return new CodedError('EXPIRED', message, { retriable: true, hint }, 'closed');
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
