// First names. Russian: name | class | exceptions, as in `nouns.ts`. English: the names of women, then of men.
export const russianNames = `
Аня | fa | |
Маша | fa | |
Катя | fa | |
Оля | fa | |
Лена | fa | |
Таня | fa | |
Наташа | fa | |
Ира | fa | |
Света | fa | |
Вера | fa | |
Надя | fa | |
Люба | fa | |
Даша | fa | |
Юля | fa | |
Соня | fa | |
Полина | fa | |
Марина | fa | |
Зоя | fa | |
Алиса | fa | |
Кира | fa | |
Варя | fa | |
Лиза | fa | |
Нина | fa | |
Галя | fa | |
Рита | fa | |
Тамара | fa | |
Мария | fa | |
Анна | fa | |
Ольга | fa | |
Дарья | fa | |
Петя | ma | |
Ваня | ma | |
Коля | ma | |
Миша | ma | |
Лёша | ma | |
Саша | ma | |
Дима | ma | |
Серёжа | ma | |
Гриша | ma | |
Костя | ma | |
Паша | ma | |
Никита | ma | |
Илья | ma* | |
Антон | ma | |
Иван | ma | |
Олег | ma | |
Игорь | ma | |
Андрей | ma | |
Максим | ma | |
Артём | ma | |
Павел | ma | stem=Павл |
Пётр | ma* | stem=Петр |
Лев | ma* | stem=Льв |
Борис | ma | |
Виктор | ma | |
Юра | ma | |
Толя | ma | |
Слава | ma | |
Егор | ma | |
Сергей | ma | |
`;

export const englishNames = {
  f: "Anna Mary Kate Olivia Helen Alice Emma Lucy Grace Sophie Nina Vera Laura Jane Emily Rose Clara Sarah Julia Diana Amy Ruth Nora Ellen Molly Daisy Eva Irene Martha Susan".split(
    " ",
  ),
  m: "Peter John Nick Mike Alex Tom Ben Sam Jack Oliver Henry George Daniel Paul Leo Max Victor Adam Robert James William David Frank Simon Martin Harry Oscar Philip Edward Luke".split(
    " ",
  ),
};
