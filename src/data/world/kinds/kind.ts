// What a kind of text is: a name, a weight, and a writer for each language it has.
import type { Random } from "../../../runtime/random.ts";

export type Language = "ru" | "en";

export interface Kind {
  name: string;
  /** How often it is drawn beside the others. */
  weight: number;
  /** Write one text. Quotation marks are «», dashes —, and ё is always written: `documents.ts` varies the spelling. */
  ru(random: Random): string;
  en(random: Random): string;
}
