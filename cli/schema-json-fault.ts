import avsc, { type Type } from 'avsc';
import { didYouMean } from '../foundation/index.ts';

const shownCharactersMax = 80;
const namesMax = 12;

/**
 * Where a value in Avro's JSON encoding does not fit its type, and what was probably meant; null where nothing is found. The
 * usual slip of a hand-written event is a union's value without the name of its branch.
 */
export function jsonFault(type: Type, json: unknown, path = ''): string | null {
  const { types } = avsc;
  if (type instanceof types.UnwrappedUnionType || type instanceof types.WrappedUnionType)
    return unionFault(type.types, json, path);
  if (type instanceof types.RecordType) return recordFault(type, json, path);
  if (type instanceof types.ArrayType) {
    if (!Array.isArray(json)) return sentence(path, json, 'must be a list');
    return firstFault(
      json.map((item, index) => [item, `${path}[${index}]`] as const),
      type.itemsType,
    );
  }
  if (type instanceof types.MapType) {
    if (!isObject(json)) return sentence(path, json, 'must be an object of keys and values');
    return firstFault(
      Object.entries(json).map(([key, value]) => [value, `${path}[${JSON.stringify(key)}]`] as const),
      type.valuesType,
    );
  }
  if (fits(type, json)) return null;
  const symbols = type instanceof types.EnumType ? ` of ${type.symbols.slice(0, namesMax).join(', ')}` : '';
  return sentence(path, json, `is no ${nameOf(type).replace(/^.*\./, '')}${symbols}`);
}

function recordFault(type: avsc.types.RecordType, json: unknown, path: string): string | null {
  if (!isObject(json)) return sentence(path, json, 'must be an object of its fields');
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  for (const field of type.fields) {
    if (!Object.hasOwn(json, field.name)) {
      if (field.defaultValue() !== undefined) continue;
      const others = Object.keys(json).filter((key) => !type.fields.some(({ name }) => name === key));
      return `\`${at(field.name)}\` is missing${didYouMean(field.name, others)}`;
    }
    const fault = jsonFault(field.type, json[field.name], at(field.name));
    if (fault !== null) return fault;
  }
  return null;
}

function unionFault(branches: readonly Type[], json: unknown, path: string): string | null {
  if (json === null && branches.some((branch) => branch instanceof avsc.types.NullType)) return null;
  const [key, other] = isObject(json) ? Object.keys(json) : [];
  const chosen =
    other === undefined ? branches.find((branch) => key !== undefined && nameOf(branch) === key) : undefined;
  if (chosen !== undefined && isObject(json) && key !== undefined) return jsonFault(chosen, json[key], path);
  const meant = branches.find((branch) => !(branch instanceof avsc.types.NullType) && fits(branch, json));
  const names = branches.map(nameOf).slice(0, namesMax).join(', ');
  if (meant === undefined) return sentence(path, json, `fits no branch of ${names}`);
  const instead = shown({ [nameOf(meant)]: json });
  return sentence(path, json, `must name its branch of ${names}: write ${instead}`);
}

function firstFault(values: readonly (readonly [unknown, string])[], type: Type): string | null {
  for (const [value, path] of values) {
    const fault = jsonFault(type, value, path);
    if (fault !== null) return fault;
  }
  return null;
}

function fits(type: Type, json: unknown): boolean {
  try {
    type.fromString(JSON.stringify(json));
    return true;
  } catch {
    return false;
  }
}

function nameOf(type: Type): string {
  return type.branchName ?? type.typeName.replace('abstract:', '');
}

function sentence(path: string, json: unknown, what: string): string {
  return `${path === '' ? 'it' : `\`${path}\``}: ${shown(json)} ${what}`;
}

function shown(json: unknown): string {
  const text = JSON.stringify(json) ?? 'nothing';
  return text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}…` : text;
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
