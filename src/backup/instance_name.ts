/**
 * Names of backup instances: three common English words joined by `-`, easy to say and to type.
 *
 * @module
 */
import type { Random } from "../platform/mod.ts";

const QUALITIES = words(`
  amber ample arctic autumn azure bold brave breezy bright brisk bronze calm candid carbon cedar
  chilly civic clear clever cloudy cobalt copper coral cosmic cozy crimson crisp curly daring deep
  early easy emerald even fair famous fancy fast fine firm fleet fluffy fond fresh frosty gentle
  giant glad golden grand green happy hardy hidden honest humble icy indigo ivory jolly keen kind
  lively lofty loyal lucky lunar mellow merry mighty mild misty modest neat nimble noble northern
  olive open orange patient pearly placid plain polite prime proud pure purple quick quiet rapid
  ready regal rosy royal rustic sandy scarlet secret serene sharp shiny silent silver simple sleek
  smooth snowy solar solid southern stable steady stellar sturdy sunny swift tidy tranquil true
  velvet vivid warm western wild wise witty
`);

const PLACES = words(`
  arch attic avenue barn basin bay beach bridge brook cabin canal canyon castle cave chapel cliff
  coast cottage cove creek crest dale delta desert dock dune farm field fjord ford forest fountain
  garden gate glacier glade glen gorge grove gulf harbor haven heath hill hollow inlet island isle
  jetty jungle knoll lagoon lake lane lawn ledge lodge manor market marsh meadow mesa mill moor
  mountain oasis ocean orchard palace park pass pasture path peak pier plain plateau plaza pond
  port prairie quarry quay ranch range reef ridge river road rock sea shelter shore slope spire
  spring square station steppe strait stream street summit swamp temple terrace thicket tower
  trail tundra tunnel vale valley village vineyard volcano waterfall well wharf wood
`);

const THINGS = words(`
  acorn anchor apple arrow badger bamboo banjo basket bean bear beaver bell berry birch bison
  blossom boat bobcat book button cactus camel candle canoe cello cherry clock clover comet
  compass coyote crane cricket daisy deer dolphin drum eagle echo falcon feather fern fiddle finch
  flute fox gazelle ginger guitar hammer harp hawk hazel heron honey ibis iris ivy jasmine kettle
  kite koala ladder lantern lark leaf lemon lily lion lotus lynx magnet mango maple marble melon
  mint moose moss needle nutmeg oak orchid otter owl panda parrot peach pear pebble pelican pepper
  piano pigeon pine plum poppy puffin quail rabbit raven reed robin rocket rose saddle saffron
  salmon seal shell sparrow spruce squirrel star swan teapot thistle tiger tulip turtle violin
  walnut whale willow wolf wren yak zebra
`);

/** Draws a name. Uniform over the lists; whether it is taken is the caller's question. */
export function drawInstanceName(random: Random): string {
  return [QUALITIES, PLACES, THINGS].map((words) => words[drawIndex(random, words.length)]).join(
    "-",
  );
}

function drawIndex(random: Random, count: number): number {
  const limit = 65_536 - 65_536 % count; // rejects the tail, so that every index is equally likely
  const bytes = new Uint8Array(2);
  for (;;) {
    random.fill(bytes);
    const value = bytes[0] | bytes[1] << 8;
    if (value < limit) return value % count;
  }
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
