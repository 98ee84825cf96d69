// How the page writes numbers, in the reader's language.
import type { Language } from "./words.ts";

export function numbersIn(language: Language) {
  const format = (options: Intl.NumberFormatOptions) => {
    const formatter = new Intl.NumberFormat(language, options);
    return (value: number) => formatter.format(value);
  };
  const percents = (digits: number) => format({ style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
  const [whole, tenths, hundredths] = [percents(0), percents(1), percents(2)];
  const tiny = format({ notation: "scientific", maximumSignificantDigits: 2 });
  const plural = new Intl.PluralRules(language);
  return {
    whole: format({ maximumFractionDigits: 0 }),
    decimal: format({ maximumFractionDigits: 3, minimumFractionDigits: 3 }),
    hundredths: format({ maximumFractionDigits: 2, minimumFractionDigits: 2 }),
    /** Three digits, whatever the size. */
    short: format({ maximumSignificantDigits: 3 }),
    percent: (share: number) =>
      share >= 0.9995
        ? whole(share)
        : share >= 0.00995
          ? tenths(share)
          : share >= 0.0001
            ? hundredths(share)
            : `< ${hundredths(0.0001)}`,
    rate: (value: number) => (value !== 0 && value < 1e-5 ? tiny(value) : format({ maximumSignificantDigits: 3 })(value)),
    plural: (value: number) => plural.select(Math.round(value)),
  };
}

export type Numbers = ReturnType<typeof numbersIn>;
