import { describe, expect, it } from 'vitest';
import { syntaxPosition } from './schema-positions.ts';

describe('the place where JSON stops being JSON', () => {
  it.each([
    ['a comma is missing between members', '{ "a": 1\n  "b": 2 }', 1, 9, 'a comma is missing here'],
    ['a comma is missing between objects', '[\n  {}\n\n  {}\n]', 2, 5, 'a comma is missing here'],
    ['a comma is missing after a word', '[true\nfalse]', 1, 6, 'a comma is missing here'],
    ['a colon is missing', '{ "a" 1 }', 1, 6, 'a colon is missing here'],
    ['a comma ends a list', '[1, 2,\n]', 1, 6, 'nothing comes after this comma but `]`'],
    ['a comma ends an object', '{ "a": 1, }', 1, 9, 'nothing comes after this comma but `}`'],
    ['a word is none', '{ "a": nope }', 1, 9, '`o` is not expected here'],
    ['the end is missing', '{ "a": [1', 1, 10, 'it ends too early'],
  ])('where %s', (_what, text, line, column, reason) => {
    expect(syntaxPosition(text)).toEqual({ line, column, reason });
  });
});
