// A set of texts, each with a number, in which all those that begin at a place of a longer text are found in one walk.

/** Node and UTF-16 unit share a key: node · 2¹⁶ + unit. */
const units = 0x10000;

export class Trie {
  /** An open-addressed table from keys to children; 0 is the root, which is nobody's child, and so marks a free slot. */
  #keys: Float64Array;
  #children: Int32Array;
  #mask: number;
  #values: Int32Array;
  #nodes = 1;

  constructor(texts: Iterable<readonly [text: string, value: number]> = []) {
    this.#keys = new Float64Array(1 << 10);
    this.#children = new Int32Array(1 << 10);
    this.#mask = (1 << 10) - 1;
    this.#values = new Int32Array(1 << 9).fill(-1);
    for (const [text, value] of texts) this.set(text, value);
  }

  set(text: string, value: number): void {
    let node = 0;
    for (let i = 0; i < text.length; i++) node = this.child(node, text.charCodeAt(i)) || this.#add(node, text.charCodeAt(i));
    this.#values[node] = value;
  }

  /** The node that a unit leads to from a node (0: the root), or 0 where it leads nowhere. */
  child(node: number, unit: number): number {
    const key = node * units + unit;
    let slot = slotOf(node, unit, this.#mask);
    while (this.#children[slot] !== 0) {
      if (this.#keys[slot] === key) return this.#children[slot]!;
      slot = (slot + 1) & this.#mask;
    }
    return 0;
  }

  /** The number of the text that ends at a node, or -1. */
  value(node: number): number {
    return this.#values[node]!;
  }

  /** The node at the end of `text`, 0 where nothing begins so. */
  find(text: string): number {
    let node = 0;
    for (let i = 0; i < text.length; i++) {
      node = this.child(node, text.charCodeAt(i));
      if (node === 0) return 0;
    }
    return node;
  }

  #add(parent: number, unit: number): number {
    const node = this.#nodes++;
    if (node >= this.#values.length) {
      const wider = new Int32Array(this.#values.length * 2).fill(-1);
      wider.set(this.#values);
      this.#values = wider;
    }
    if (node * 2 > this.#mask) this.#grow();
    this.#insert(parent * units + unit, parent, unit, node);
    return node;
  }

  #insert(key: number, parent: number, unit: number, node: number): void {
    let slot = slotOf(parent, unit, this.#mask);
    while (this.#children[slot] !== 0) slot = (slot + 1) & this.#mask;
    this.#keys[slot] = key;
    this.#children[slot] = node;
  }

  #grow(): void {
    const [keys, children] = [this.#keys, this.#children];
    this.#keys = new Float64Array(keys.length * 2);
    this.#children = new Int32Array(keys.length * 2);
    this.#mask = keys.length * 2 - 1;
    for (let slot = 0; slot < keys.length; slot++)
      if (children[slot] !== 0) {
        const key = keys[slot]!;
        this.#insert(key, Math.floor(key / units), key % units, children[slot]!);
      }
  }
}

function slotOf(node: number, unit: number, mask: number): number {
  let hash = Math.imul(node, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b);
  hash ^= hash >>> 15;
  return hash & mask;
}
