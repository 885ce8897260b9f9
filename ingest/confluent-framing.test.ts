import { describe, expect, test } from 'vitest';
import { readFraming, readHeaderFraming } from './confluent-framing.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const header = (hex: string | null) => [
  { key: '__value_schema_id', value: hex === null ? null : bytes(hex) },
];
const guidHex = '00112233445566778899aabbccddeeff';

describe('Confluent framing', () => {
  test('finds the id in the value', () => {
    expect(readFraming(bytes('000000010206'), null)).toEqual({ kind: 'id', schemaId: 258, start: 5 });
    expect(readFraming(bytes('007fffffff'), [])).toEqual({ kind: 'id', schemaId: 0x7fffffff, start: 5 });
  });

  test('finds the id or the GUID in the header before it looks at the value', () => {
    expect(readFraming(bytes('0000000001'), header('0000000102'))).toEqual({
      kind: 'id',
      schemaId: 258,
      start: 0,
    });
    expect(readFraming(bytes(''), header(`01${guidHex}`))).toEqual({
      kind: 'guid',
      guid: '00112233-4455-6677-8899-aabbccddeeff',
      start: 0,
    });
  });

  test('takes the first header of that name and passes over others and over one without value', () => {
    const headers = [
      { key: 'trace', value: bytes('ff') },
      ...header(null),
      ...header('0000000007'),
      ...header('0000000008'),
    ];
    expect(readFraming(bytes('02'), headers)).toEqual({ kind: 'id', schemaId: 7, start: 0 });
  });

  test('finds what wrote the key in a header of its own', () => {
    const named = [...header('0000000007'), { key: '__key_schema_id', value: bytes(`01${guidHex}`) }];
    const guid = '00112233-4455-6677-8899-aabbccddeeff';
    expect(readHeaderFraming(named, 'key')).toEqual({ kind: 'guid', guid, start: 0 });
    expect(readHeaderFraming(named, 'value')).toEqual({ kind: 'id', schemaId: 7, start: 0 });
    expect(readHeaderFraming(header('0000000007'), 'key')).toBeNull();
    const negative = [{ key: '__key_schema_id', value: bytes('00ffffffff') }];
    expect(() => readHeaderFraming(negative, 'key')).toThrow('The key names the schema id -1');
  });

  test.each<[string, string, string | undefined, string]>([
    ['an empty value', '', undefined, 'FRAMING_TOO_SHORT'],
    ['a value shorter than its framing', '00000001', undefined, 'FRAMING_TOO_SHORT'],
    ['another magic byte', '0100000001', undefined, 'FRAMING_MAGIC_BYTE'],
    ['JSON', Buffer.from('{"a":1}').toString('hex'), undefined, 'FRAMING_MAGIC_BYTE'],
    ['a negative id', '00ffffffff', undefined, 'FRAMING_SCHEMA_ID'],
    ['an empty header', '02', '', 'FRAMING_HEADER_INVALID'],
    ['a header with half a GUID', '02', '0100112233', 'FRAMING_HEADER_INVALID'],
    ['a header with another magic byte', '02', `02${guidHex}`, 'FRAMING_HEADER_INVALID'],
    ['a header with an id too long', '02', '000000000102', 'FRAMING_HEADER_INVALID'],
  ])('refuses %s', (_name, value, inHeader, code) => {
    const headers = inHeader === undefined ? null : header(inHeader);
    expect(() => readFraming(bytes(value), headers)).toThrow(
      expect.objectContaining({ code, reaction: 'bad-data' }),
    );
  });
});
