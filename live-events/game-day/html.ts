/** Markup that is safe to be put into a page. */
export interface Html {
  readonly markup: string;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Everything put in is escaped but other markup. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (Html | readonly Html[] | string | number)[]
): Html {
  let markup = parts[0] ?? '';
  for (const [index, value] of values.entries()) markup += markupOf(value) + (parts[index + 1] ?? '');
  return { markup };
}

function markupOf(value: Html | readonly Html[] | string | number): string {
  if (typeof value === 'object')
    return isList(value) ? value.map(({ markup }) => markup).join('') : value.markup;
  // Control characters are no part of a page; a lone surrogate would make it no text.
  const text = String(value)
    .toWellFormed()
    .replace(/\p{Cc}/gu, ' ');
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

function isList(value: Html | readonly Html[]): value is readonly Html[] {
  return Array.isArray(value);
}
