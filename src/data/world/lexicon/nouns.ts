// The nouns of the little world, one a line: Russian | class | exceptions | English | tags. To add a word, add a line.
//
// Class: m, f, n or p (only plural); then `a` animate, `*` stressed endings, `!` declined like an adjective, `0` not declined.
// Exceptions: stem= the stem before endings, pstem= the same in the plural, np= gp= dp= ip= nominative, genitive, dative and
// instrumental plural, is= instrumental singular, loc= the place form after «в» and «на» (в саду).
// English: singular, and after a slash the plural where it is irregular; `-/x` is only plural. `mass` is not counted.
// Tags say what the texts may do with the word; what each of them means stands in `lexicon.ts`.
export const nouns = `
мяч | m* | | ball | thing toy
кукла | f | gp=кукол | doll | thing toy
кубик | m | | cube | thing toy
барабан | m | | drum | thing instrument stands
скакалка | f | | skipping rope | thing toy
игрушка | f | | toy | group
книга | f | | book | thing stationery
тетрадь | f | | notebook | thing stationery
ручка | f | | pen | thing stationery
карандаш | m* | | pencil | thing stationery
линейка | f | | ruler | thing stationery
ластик | m | | eraser | thing stationery
альбом | m | | album | thing stationery
кисточка | f | | paintbrush | thing stationery
словарь | m* | | dictionary | thing stationery
журнал | m | | magazine | thing stationery
газета | f | | newspaper | thing stationery
письмо | n | gp=писем | letter | thing paper
открытка | f | | postcard | thing paper
конверт | m | | envelope | thing paper
марка | f | | stamp | thing paper
карта | f | | map | thing paper
билет | m | | ticket | thing paper
фотография | f | | photograph | thing paper
рюкзак | m* | | backpack | bag container stands
портфель | m | | briefcase | bag container stands
сумка | f | | bag | bag container stands
корзина | f | | basket | bag container stands
коробка | f | | box | bag container stands
чемодан | m | | suitcase | bag container stands
чашка | f | | cup | thing dish stands
кружка | f | | mug | thing dish stands
тарелка | f | | plate | thing dish stands
ложка | f | | spoon | thing dish
вилка | f | | fork | thing dish
нож | m* | | knife/knives | thing dish
стакан | m | | glass | thing dish stands
миска | f | | bowl | thing dish stands
кастрюля | f | | pot | thing dish stands
сковорода | f | | frying pan | thing dish
чайник | m | | kettle | thing dish stands
бутылка | f | | bottle | thing dish stands
банка | f | | jar | thing dish stands
поднос | m | | tray | thing dish
ваза | f | | vase | thing household stands
шапка | f | | cap | thing garment
шарф | m | | scarf | thing garment
куртка | f | | jacket | thing garment
рубашка | f | | shirt | thing garment
платье | n | gp=платьев | dress | thing garment hers
юбка | f | | skirt | thing garment hers
свитер | m | | sweater | thing garment
пальто | n0 | | coat | thing garment
плащ | m* | | raincoat | thing garment
перчатка | f | | glove | thing garment
футболка | f | | T-shirt | thing garment
шляпа | f | | hat | thing garment
халат | m | | bathrobe | thing garment
брюки | p | | -/trousers | thing garment
лампа | f | | lamp | thing household stands
свеча | f* | gp=свечей | candle | thing household stands
ключ | m* | | key | thing household
часы | p | gp=часов | watch | thing household
очки | p | gp=очков | -/glasses | thing household
ножницы | p | | -/scissors | thing tool
зонт | m* | | umbrella | thing household
ведро | n* | pstem=вёдр gp=вёдер | bucket | thing household stands
полотенце | n | gp=полотенец | towel | thing household
подушка | f | | pillow | thing household
одеяло | n | | blanket | thing household
мыло | n | | soap | thing household mass
щётка | f | | brush | thing household
расчёска | f | | comb | thing household
зеркало | n | | mirror | thing household
иголка | f | | needle | thing tool
кольцо | n* | gp=колец | ring | thing household
монета | f | | coin | thing household
телефон | m | | phone | thing household
фонарь | m* | | lantern | thing household
молоток | m | stem=молотк | hammer | thing tool
верёвка | f | | rope | thing tool
гвоздь | m* | | nail | thing tool
пила | f* | | saw | thing tool
топор | m* | | axe | thing tool
лопата | f | | shovel | thing tool
гитара | f | | guitar | thing instrument
скрипка | f | | violin | thing instrument
флейта | f | | flute | thing instrument
труба | f* | | trumpet | thing instrument
картина | f | | painting | thing household
подарок | m | stem=подарк | present | thing household
яблоко | n | np=яблоки | apple | food fruit
груша | f | | pear | food fruit
банан | m | | banana | food fruit
апельсин | m | | orange | food fruit
лимон | m | | lemon | food fruit
слива | f | | plum | food fruit
вишня | f | gp=вишен | cherry | food fruit
арбуз | m | | watermelon | food fruit single
дыня | f | | melon | food fruit single
персик | m | | peach | food fruit
ананас | m | | pineapple | food fruit single
помидор | m | | tomato/tomatoes | food vegetable
огурец | m* | stem=огурц | cucumber | food vegetable
тыква | f | | pumpkin | food vegetable single
баклажан | m | | aubergine | food vegetable
морковь | f | | -/carrots | food vegetable mass
картофель | m | | -/potatoes | food vegetable mass
капуста | f | | cabbage | food vegetable mass single
лук | m | | -/onions | food vegetable mass
свёкла | f | | beetroot | food vegetable mass
хлеб | m | | bread | food bakery mass
булочка | f | | bun | food bakery
пирог | m* | | pie | food bakery single
торт | m | | cake | food bakery single
блин | m* | | pancake | food bakery
конфета | f | | sweet | food sweets
шоколад | m | | chocolate | food sweets mass
мороженое | n! | | ice cream | food sweets mass
мёд | m | | honey | food sweets mass
варенье | n | gp=варений | jam | food sweets mass
сыр | m | | cheese | food dairy mass
масло | n | gp=масел | butter | food dairy mass
молоко | n* | | milk | drink dairy mass
сметана | f | | sour cream | food dairy mass
йогурт | m | | yoghurt | food dairy mass
мясо | n | | meat | food mass
колбаса | f* | | sausage | food mass
рис | m | | rice | food mass
сахар | m | | sugar | food mass
соль | f | | salt | food mass
яйцо | n* | gp=яиц | egg | food
каша | f | | porridge | food meal mass
суп | m | | soup | food meal mass
салат | m | | salad | food meal mass
чай | m | | tea | drink mass
кофе | m0 | | coffee | drink mass
сок | m | | juice | drink mass
вода | f* | | water | drink mass
лимонад | m | | lemonade | drink mass
какао | n0 | | cocoa | drink mass
стол | m* | | table | furniture surface
стул | m | np=стулья | chair | furniture seat
диван | m | | sofa | furniture seat surface
кресло | n | gp=кресел | armchair | furniture seat surface
кровать | f | | bed | furniture seat surface
шкаф | m* | loc=шкафу | cupboard | furniture container
полка | f | | shelf/shelves | furniture surface
ковёр | m* | stem=ковр | carpet | furniture surface
тумбочка | f | | nightstand | furniture surface
скамейка | f | | bench | furniture seat surface
табуретка | f | | stool | furniture seat surface
комод | m | | chest of drawers/chests of drawers | furniture surface
холодильник | m | | fridge | cold
сундук | m* | | chest | furniture container
ящик | m | | drawer | furniture container
подоконник | m | | windowsill | surface
окно | n* | gp=окон | window | part
дверь | f | | door | part
стена | f* | | wall | part
крыша | f | | roof | part
кухня | f | gp=кухонь | kitchen | room on en:in from:из
гостиная | f! | | living room | room
спальня | f | gp=спален | bedroom | room
ванная | f! | | bathroom | room
столовая | f! | | dining room | room
детская | f! | | nursery | room
коридор | m | | corridor | room
кабинет | m | | study | room
прихожая | f! | | hall | room
чердак | m* | | attic | room on en:in
подвал | m | | basement | room
балкон | m | | balcony | room on
веранда | f | | veranda | room on
гараж | m* | | garage | room
мастерская | f! | | workshop | room
библиотека | f | | library | room place
комната | f | | room | part
дом | m | np=дома | house | part
парк | m | | park | place outdoors
сад | m | loc=саду | garden | place outdoors
лес | m | np=леса loc=лесу | forest | place outdoors
двор | m* | | yard | place outdoors
улица | f | | street | part on
площадь | f | | square | place outdoors on en:in
школа | f | | school | place en:at
больница | f | | hospital | place en:at
аптека | f | | pharmacy | place shop en:at
магазин | m | | shop | place shop en:at
рынок | m | stem=рынк | market | place shop on en:at
булочная | f! | | bakery | place shop en:at
театр | m | | theatre | place en:at
цирк | m | | circus | place en:at
музей | m | | museum | place en:at
зоопарк | m | | zoo | place en:at
вокзал | m | | railway station | place on en:at
почта | f | | post office | place on en:at
банк | m | | bank | place en:at
кафе | n0 | | café | place en:at
ресторан | m | | restaurant | place en:at
завод | m | | factory | place on en:at
ферма | f | | farm | place on
деревня | f | gp=деревень | village | place
город | m | np=города | city | part
река | f* | | river | place outdoors on en:by
озеро | n | pstem=озёр | lake | place outdoors on en:by
море | n | | sea | part on en:by
гора | f* | | mountain | place outdoors on
поле | n | | field | place outdoors
берег | m | np=берега loc=берегу | shore | place outdoors on
мост | m* | loc=мосту | bridge | place outdoors on
аэропорт | m | loc=аэропорту | airport | place en:at
стадион | m | | stadium | place on en:at
бассейн | m | | swimming pool | place en:at
остановка | f | | bus stop | place on en:at
гостиница | f | | hotel | place en:at
университет | m | | university | place en:at
замок | m | stem=замк | castle | place
остров | m | np=острова | island | place outdoors on
пляж | m | | beach | place outdoors on
башня | f | gp=башен | tower | part
кошка | fa | | cat | animal pet size:3 sound furry
собака | fa | | dog | animal pet size:4 sound furry
щенок | ma* | stem=щенк np=щенята | puppy | baby furry
котёнок | ma | stem=котёнк np=котята | kitten | baby furry
лошадь | fa | ip=лошадьми | horse | animal farm size:7 furry
корова | fa | | cow | animal farm size:7 sound furry
коза | fa* | | goat | animal farm size:5 furry
овца | fa* | gp=овец | sheep/sheep | animal farm size:5
свинья | fa* | | pig | animal farm size:5 sound
петух | ma* | | rooster | animal farm bird size:3
утка | fa | | duck | animal farm bird size:3 sound
гусь | ma | | goose/geese | animal farm bird size:3
кролик | ma | | rabbit | animal pet farm size:3 furry
заяц | ma | stem=зайц | hare | animal wild size:3
лиса | fa* | | fox | animal wild size:4
волк | ma | | wolf/wolves | animal wild size:5 sound
медведь | ma | | bear | animal wild size:7
ёж | ma* | stem=еж | hedgehog | animal wild size:2
белка | fa | | squirrel | animal wild size:2
енот | ma | | raccoon | animal wild size:3
олень | ma | | deer/deer | animal wild size:6
слон | ma* | | elephant | animal zoo size:9
лев | ma* | stem=льв | lion | animal zoo size:6 sound
тигр | ma | | tiger | animal zoo size:6
обезьяна | fa | | monkey | animal zoo size:4
жираф | ma | | giraffe | animal zoo size:8
крокодил | ma | | crocodile | animal zoo size:6
черепаха | fa | | tortoise | animal pet zoo size:2
попугай | ma | | parrot | animal pet bird zoo size:2
зебра | fa | | zebra | animal zoo size:7
бегемот | ma | | hippo | animal zoo size:8
верблюд | ma | | camel | animal zoo size:7
пингвин | ma | | penguin | animal zoo bird size:4
кенгуру | ma0 | | kangaroo | animal zoo size:5
дельфин | ma | | dolphin | animal sea size:6
кит | ma* | | whale | animal sea size:10
голубь | ma | | pigeon | animal bird wild size:2
воробей | ma* | stem=воробь | sparrow | animal bird wild size:1
ворона | fa | | crow | animal bird wild size:2 sound
сова | fa* | | owl | animal bird wild size:2
орёл | ma* | stem=орл | eagle | animal bird wild size:3
мышь | fa | | mouse/mice | animal wild size:1 sound
змея | fa* | | snake | animal wild zoo size:3
лягушка | fa | | frog | animal wild size:1 sound
пчела | fa* | pstem=пчёл | bee | animal insect size:0 sound
бабочка | fa | | butterfly | animal insect size:0
муха | fa | | fly | animal insect size:0
муравей | ma* | stem=муравь | ant | animal insect size:0
паук | ma* | | spider | creature
хомяк | ma* | | hamster | animal pet size:1 furry
рыба | fa | | fish/fish | animal pet size:1
мама | fa | | mother | family
папа | ma | | father | family
брат | ma | np=братья | brother | family
сестра | fa* | pstem=сёстр gp=сестёр | sister | family
бабушка | fa | | grandmother | family
дедушка | ma | | grandfather | family
тётя | fa | gp=тётей | aunt | family
дядя | ma | gp=дядей | uncle | family
сын | ma | np=сыновья gp=сыновей | son | kin
дочь | fa | stem=дочер ip=дочерьми | daughter | kin
друг | ma | np=друзья gp=друзей | friend | kin
подруга | fa | | friend | kin
сосед | ma | np=соседи gp=соседей | neighbour | kin
соседка | fa | | neighbour | kin
внук | ma | | grandson | kin
внучка | fa | | granddaughter | kin
мальчик | ma | | boy | person
девочка | fa | | girl | person
ребёнок | ma | stem=ребёнк np=дети gp=детей ip=детьми | child/children | person
человек | ma | np=люди gp=людей ip=людьми | person/people | person
мужчина | ma | | man/men | person
женщина | fa | | woman/women | person
гость | ma | | guest | person
герой | ma | | hero/heroes | person
актёр | ma | | actor | job
врач | ma* | | doctor | job
учитель | ma | np=учителя | teacher | job
повар | ma | np=повара | cook | job
художник | ma | | artist | job
певец | ma* | stem=певц | singer | job
писатель | ma | | writer | job
продавец | ma* | stem=продавц | shop assistant | job
водитель | ma | | driver | job
лётчик | ma | | pilot | job
моряк | ma* | | sailor | job
пожарный | ma! | | firefighter | job
строитель | ma | | builder | job
инженер | ma | | engineer | job
плотник | ma | | carpenter | job
портной | ma! | | tailor | job
парикмахер | ma | | hairdresser | job
садовник | ma | | gardener | job
рыбак | ma* | | fisherman/fishermen | job
почтальон | ma | | postman/postmen | job
библиотекарь | ma | | librarian | job
музыкант | ma | | musician | job
журналист | ma | | journalist | job
учёный | ma! | | scientist | job
фермер | ma | | farmer | job
пекарь | ma | | baker | job
часовщик | ma* | | watchmaker | job
судья | ma* | | judge | job
официант | ma | | waiter | job
фотограф | ma | | photographer | job
программист | ma | | programmer | job
тренер | ma | | coach | job
полицейский | ma! | | police officer | job
ветеринар | ma | | vet | job
учительница | fa | | teacher | jobf
певица | fa | | singer | jobf
актриса | fa | | actress | jobf
художница | fa | | artist | jobf
продавщица | fa | | shop assistant | jobf
официантка | fa | | waitress | jobf
писательница | fa | | writer | jobf
автобус | m | | bus | vehicle
поезд | m | np=поезда | train | vehicle
машина | f | | car | vehicle
самолёт | m | | plane | vehicle
велосипед | m | | bicycle | vehicle
трамвай | m | | tram | vehicle
корабль | m* | | ship | vehicle
лодка | f | | boat | vehicle
такси | n0 | | taxi | vehicle
мотоцикл | m | | motorcycle | vehicle
грузовик | m* | | lorry | vehicle
спектакль | m | | play | work
фильм | m | | film | work
роман | m | | novel | work
рассказ | m | | story | work
сказка | f | | fairy tale | work
песня | f | gp=песен | song | work
концерт | m | | concert | work
опера | f | | opera | work
балет | m | | ballet | work
выставка | f | | exhibition | work
экскурсия | f | | excursion | work
обед | m | | lunch | meals
ужин | m | | dinner | meals
завтрак | m | | breakfast | meals
игра | f* | | game | part
сюжет | m | | plot | aspect
декорация | f | | scenery | aspect
голос | m | np=голоса | voice | aspect
костюм | m | | costume | aspect
музыка | f | | music | aspect mass
язык | m* | | language | aspect
шутка | f | | joke | aspect
дерево | n | np=деревья | tree | plant group
цветок | m* | stem=цветк np=цветы gp=цветов | flower | plant group
роза | f | | rose | plant flower
ромашка | f | | daisy | plant flower
тюльпан | m | | tulip | plant flower
берёза | f | | birch | plant tree
дуб | m* | | oak | plant tree
ёлка | f | | fir tree | plant tree
сосна | f* | gp=сосен | pine | plant tree
гриб | m* | | mushroom | nature
лист | m* | np=листья | leaf/leaves | nature
камень | m | stem=камн | stone | nature
снег | m | np=снега loc=снегу | snow | nature mass
дождь | m* | | rain | nature mass
солнце | n | | sun | nature mass
луна | f* | | moon | nature mass
звезда | f* | pstem=звёзд | star | nature
небо | n | np=небеса gp=небес | sky | nature mass
облако | n | gp=облаков | cloud | nature
ветер | m | stem=ветр | wind | nature mass
трава | f* | | grass | nature mass
день | m* | stem=дн | day | time
ночь | f | | night | time
утро | n | | morning | time
вечер | m | np=вечера | evening | time
неделя | f | | week | time
месяц | m | | month | time
год | m | gp=лет loc=году | year | time
час | m* | | hour | time
минута | f | | minute | time
время | n | | time | time
зима | f* | | winter | season mass
весна | f* | pstem=вёсн gp=вёсен | spring | season mass
лето | n | | summer | season mass
осень | f | | autumn | season mass
рука | f* | | hand | body
нога | f* | | foot/feet | body
голова | f* | | head | body
глаз | m | np=глаза gp=глаз | eye | body
ухо | n | np=уши gp=ушей | ear | body
нос | m | | nose | body
рот | m* | stem=рт | mouth | body
палец | m | stem=пальц | finger | body
зуб | m | | tooth/teeth | body
имя | n | | name | part
слово | n | | word | part
вопрос | m | | question | part
ответ | m | | answer | part
урок | m | | lesson | part
рубль | m* | | rouble | part
фрукт | m | | fruit | group
овощ | m | | vegetable | group
напиток | m | stem=напитк | drink | group
животное | na! | | animal | group
птица | fa | | bird | group
насекомое | na! | | insect | group
инструмент | m | | tool | group
профессия | f | | profession | group
столица | f | | capital | group
страна | f* | | country | group
вещь | f | | thing | group
`;
