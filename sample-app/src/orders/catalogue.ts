/** What the shop sells, with prices in cents. An application would have a table of it. */
export const CATALOGUE = {
  'whale-plush': 2700,
  'tiger-mug': 1450,
  'bear-poster': 900,
} as const;

export type Sku = keyof typeof CATALOGUE;

export function isSku(text: string): text is Sku {
  return Object.hasOwn(CATALOGUE, text);
}
