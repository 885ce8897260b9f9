import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { hideTypeStrippingWarning } from './type-stripping-warning.ts';

function warning(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

it('hides the warning about stripped types, and prints every other once', () => {
  const emitter = new EventEmitter<{ warning: [Error] }>();
  const printed: Error[] = [];
  emitter.on('warning', (one) => printed.push(one));
  hideTypeStrippingWarning(emitter);
  const meant = 'stripTypeScriptTypes is an experimental feature and might change at any time';
  const others = [
    warning('ExperimentalWarning', 'SQLite is an experimental feature and might change at any time'),
    warning('DeprecationWarning', meant),
  ];
  for (const one of [warning('ExperimentalWarning', meant), ...others]) emitter.emit('warning', one);
  expect(printed).toEqual(others);
});
