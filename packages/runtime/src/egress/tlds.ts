// Top-level domains of more than two letters under which bare hosts are made into links without a path.
// Not the whole root zone: a host under any other ending counts as a link once a path, query or port follows.
export const GENERIC_DOMAINS: readonly string[] = (
  'academy accountant accountants actor adult africa agency airforce amsterdam apartments app army art associates ' +
  'attorney auction audio auto autos baby band bar bargains beauty beer berlin best bet bible bid bike bingo bio ' +
  'black blackfriday blog blue boats bond boo boston bot boutique broker build builders business buzz cab cafe cam ' +
  'camera camp capital car cards care career careers cars casa cash casino cat catering center ceo cfd channel ' +
  'charity chat cheap christmas church city claims cleaning click clinic clothing cloud club coach codes coffee ' +
  'college community company compare computer condos construction consulting contact contractors cooking cool ' +
  'country coupons courses credit creditcard cricket cruises cyou dad dance data date dating day deals degree ' +
  'delivery democrat dental dentist design dev diamonds diet digital direct directory discount doctor dog domains ' +
  'download earth eco education email energy engineer engineering enterprises equipment esq estate eus events ' +
  'example exchange expert exposed express fail faith family fans farm fashion feedback film finance financial fish ' +
  'fishing fit fitness flights florist flowers foo football forex forsale forum foundation fun fund furniture futbol ' +
  'fyi gallery game games garden gay gift gifts gives glass global gmbh gold golf graphics gratis green gripe group ' +
  'guide guitars guru hair haus health healthcare help hiphop hiv hockey holdings holiday homes horse hospital host ' +
  'hosting hot house how icu immo immobilien inc industries ing ink institute insurance insure international ' +
  'investments irish istanbul jetzt jewelry jobs juegos kaufen kids kim kitchen koeln land lat law lawyer lease legal ' +
  'lgbt life lighting limited limo link live living llc loan loans lol london lotto love ltd ltda luxe luxury madrid ' +
  'maison makeup management market marketing markets mba media melbourne meme memorial men menu miami mobi moda moe ' +
  'mom money monster mortgage moscow motorcycles mov movie nagoya navy network new news nexus ngo ninja nyc observer ' +
  'okinawa one onion online ooo organic osaka page paris partners parts party pet phd photo photography photos pics ' +
  'pictures pink pizza place plumbing plus poker porn press prime productions prof promo properties property pub ' +
  'qpon quebec quest racing recipes red rehab reise reisen ren rent rentals repair report republican rest restaurant ' +
  'review reviews rich rip rocks rodeo rsvp ruhr run ryukyu sale salon sarl sbs school schule science scot security ' +
  'services sexy shiksha shoes shopping show singles site ski skin soccer social software solar solutions soy spa ' +
  'space sport srl storage store stream studio study style sucks supplies supply support surf surgery sydney systems ' +
  'tattoo tax taxi team tech technology tel tennis theater theatre tickets tienda tips tires today tokyo tools top ' +
  'tours town toys trade trading training travel tube university uno vacations vegas ventures vet viajes video villas ' +
  'vin vip vision vodka vote voto voyage wales wang watch webcam website wed wedding wien wiki win wine work works ' +
  'world wtf xyz yachts yoga yokohama you zip zone'
).split(' ')

// Endings of file names under which nobody can register a name: a link there leads nowhere.
export const UNDELEGATED: ReadonlySet<string> = new Set(
  (
    'ts js tsx jsx mjs cjs mts cts json jsonl html htm css scss txt yml yaml toml lock xml svg png jpg jpeg gif webp ' +
    'pdf doc docx xls xlsx ppt pptx csv tsv log env ini cfg conf rb go kt java cpp hpp hs vb db fs ex exs gz xz tar tgz ' +
    'sql eml msg bak tmp php jsonc wasm ipynb swift scala lua rst tex'
  ).split(' '),
)
