// What everybody in the little world knows: what things are called, who does what, what is done with what, days and seasons.

/** A kind of thing: tag of its nouns | Russian | of several | English, with its article. */
export const categories = `
fruit | фрукт | фрукты | a fruit
vegetable | овощ | овощи | a vegetable
drink | напиток | напитки | a drink
furniture | мебель | мебель | furniture
dish | посуда | посуда | tableware
garment | одежда | одежда | clothing
toy | игрушка | игрушки | a toy
instrument | музыкальный инструмент | музыкальные инструменты | a musical instrument
tool | инструмент | инструменты | a tool
animal | животное | животные | an animal
bird | птица | птицы | a bird
insect | насекомое | насекомые | an insect
vehicle | транспорт | транспорт | transport
job | профессия | профессии | a profession
flower | цветок | цветы | a flower
tree | дерево | деревья | a tree
room | комната | комнаты | a room
season | время года | времена года | a season
body | часть тела | части тела | a part of the body
`;

/** A profession: noun | of a woman: another noun, = the same, - not here | what he or she does | where, a noun of `nouns.ts` or - | what, in English. */
export const jobs = `
врач | = | лечит людей | больница | treats people
учитель | учительница | учит детей | школа | teaches children
повар | = | готовит еду | ресторан | cooks food
художник | художница | рисует картины | мастерская | paints pictures
певец | певица | поёт песни | театр | sings songs
актёр | актриса | играет роли | театр | plays roles
писатель | писательница | пишет книги | - | writes books
продавец | продавщица | продаёт товары | магазин | sells goods
водитель | = | водит автобус | - | drives a bus
лётчик | = | водит самолёт | аэропорт | flies a plane
моряк | - | плавает на корабле | - | sails on a ship
пожарный | - | тушит пожары | - | puts out fires
строитель | = | строит дома | - | builds houses
инженер | = | строит мосты | завод | builds bridges
плотник | - | делает столы | мастерская | makes tables
портной | - | шьёт одежду | мастерская | sews clothes
парикмахер | = | стрижёт волосы | - | cuts hair
садовник | - | выращивает цветы | сад | grows flowers
рыбак | - | ловит рыбу | озеро | catches fish
почтальон | - | разносит письма | почта | delivers letters
библиотекарь | = | выдаёт книги | библиотека | lends books
музыкант | = | играет на скрипке | театр | plays the violin
журналист | = | пишет статьи | - | writes articles
учёный | - | изучает звёзды | университет | studies stars
фермер | = | выращивает овощи | ферма | grows vegetables
пекарь | = | печёт хлеб | булочная | bakes bread
часовщик | - | чинит часы | мастерская | repairs watches
официант | официантка | приносит блюда | кафе | serves dishes
фотограф | = | снимает портреты | - | takes portraits
программист | = | пишет программы | - | writes programs
тренер | = | тренирует спортсменов | стадион | trains athletes
полицейский | - | ловит преступников | - | catches criminals
ветеринар | = | лечит животных | - | treats animals
`;

/** What people do in their free time: verb | Russian infinitive | what follows it | English infinitive | English -ing. */
export const pastimes = `
читать | читать | | read | reading
рисовать | рисовать | | draw | drawing
петь | петь | | sing | singing
танцевать | танцевать | | dance | dancing
плавать | плавать | | swim | swimming
бегать | бегать | | run | running
гулять | гулять | в парке | walk | walking
играть | играть | в шахматы | play chess | playing chess
готовить | готовить | | cook | cooking
вязать | вязать | | knit | knitting
шить | шить | | sew | sewing
фотографировать | фотографировать | | take photographs | taking photographs
путешествовать | путешествовать | | travel | travelling
рыбачить | рыбачить | | fish | fishing
`;

/** What one does with a thing: noun | Russian verb (they) | object | English. */
export const uses = `
нож | режут | хлеб | cut bread
ложка | едят | суп | eat soup
вилка | едят | салат | eat salad
ручка | пишут | письма | write letters
карандаш | рисуют | картинки | draw pictures
ключ | открывают | дверь | open the door
топор | рубят | дрова | chop wood
пила | пилят | доски | saw boards
лопата | копают | землю | dig the ground
молоток | забивают | гвозди | drive in nails
иголка | шьют | одежду | sew clothes
ножницы | режут | бумагу | cut paper
мыло | моют | руки | wash hands
полотенце | вытирают | руки | dry hands
расчёска | расчёсывают | волосы | comb hair
щётка | чистят | одежду | clean clothes
линейка | измеряют | длину | measure length
ластик | стирают | линии | rub out lines
кисточка | красят | бумагу | paint on paper
`;

/** The voice of an animal: noun | verb | English verb. */
export const sounds = `
кошка | мяукать | meow
собака | лаять | bark
корова | мычать | moo
свинья | хрюкать | oink
утка | крякать | quack
волк | выть | howl
лев | рычать | roar
ворона | каркать | caw
лягушка | квакать | croak
пчела | жужжать | buzz
мышь | пищать | squeak
`;

export const weekdays = {
  ru: ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"],
  /** «в среду» */
  ruOn: ["в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу", "в воскресенье"],
  /** «после среды» */
  ruGenitive: ["понедельника", "вторника", "среды", "четверга", "пятницы", "субботы", "воскресенья"],
  ruInstrumental: ["понедельником", "вторником", "средой", "четвергом", "пятницей", "субботой", "воскресеньем"],
  en: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
};

export const months = {
  ru: "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь".split(" "),
  ruGenitive: "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split(" "),
  ruInstrumental: "январём февралём мартом апрелем маем июнем июлем августом сентябрём октябрём ноябрём декабрём".split(" "),
  ruPrepositional: "январе феврале марте апреле мае июне июле августе сентябре октябре ноябре декабре".split(" "),
  en: "January February March April May June July August September October November December".split(" "),
};

export interface Season {
  /** «зимой» */
  ruIn: string;
  en: string;
  /** 0 is January. */
  months: number[];
  /** What it is like: Russian, English. */
  weather: [string, string][];
  /** What happens then: Russian, English. */
  signs: [string, string][];
}

export const seasons: Season[] = [
  {
    ruIn: "зимой",
    en: "winter",
    months: [11, 0, 1],
    weather: [
      ["холодно", "cold"],
      ["морозно", "frosty"],
      ["снежно", "snowy"],
    ],
    signs: [
      ["идёт снег", "it snows"],
      ["дети катаются на санках", "children go sledging"],
      ["дети лепят снеговика", "children make a snowman"],
      ["дни короткие", "the days are short"],
      ["река замерзает", "the river freezes"],
      ["люди носят тёплые шапки", "people wear warm hats"],
    ],
  },
  {
    ruIn: "весной",
    en: "spring",
    months: [2, 3, 4],
    weather: [
      ["тепло", "warm"],
      ["солнечно", "sunny"],
      ["свежо", "fresh"],
    ],
    signs: [
      ["тает снег", "the snow melts"],
      ["прилетают птицы", "the birds come back"],
      ["цветут деревья", "the trees blossom"],
      ["появляются листья", "the leaves come out"],
      ["дни становятся длиннее", "the days grow longer"],
      ["фермеры сеют зерно", "farmers sow grain"],
    ],
  },
  {
    ruIn: "летом",
    en: "summer",
    months: [5, 6, 7],
    weather: [
      ["жарко", "hot"],
      ["тепло", "warm"],
      ["солнечно", "sunny"],
    ],
    signs: [
      ["дети купаются в реке", "children swim in the river"],
      ["созревают ягоды", "berries ripen"],
      ["у детей каникулы", "children have holidays"],
      ["дни длинные", "the days are long"],
      ["люди едут на море", "people go to the sea"],
      ["в саду цветут розы", "roses bloom in the garden"],
    ],
  },
  {
    ruIn: "осенью",
    en: "autumn",
    months: [8, 9, 10],
    weather: [
      ["прохладно", "cool"],
      ["дождливо", "rainy"],
      ["ветрено", "windy"],
    ],
    signs: [
      ["падают листья", "the leaves fall"],
      ["часто идёт дождь", "it often rains"],
      ["птицы улетают на юг", "the birds fly south"],
      ["дети идут в школу", "children go back to school"],
      ["в лесу растут грибы", "mushrooms grow in the forest"],
      ["фермеры собирают урожай", "farmers gather the harvest"],
    ],
  },
];
