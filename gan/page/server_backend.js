/** The backend of bin/explore: the generator stands behind the server that this page came from. */

const CHECKED = 2000; // milliseconds between two looks for a new checkpoint

/** What the server answers, or an error whose message is the server's line. */
async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(`./api/${path}`, { method: body ? "POST" : "GET", body, cache: "no-store" });
  } catch {
    throw new Error("bin/explore does not answer any more; start it again and open its new address.");
  }
  if (!answer.ok) throw Object.assign(new Error((await answer.text()).trim()), { status: answer.status });
  return answer;
}

function withVectors(facts) {
  const directions = facts.directions.map((each) => ({ ...each, vector: Float32Array.from(each.vector) }));
  return { ...facts, directions };
}

function query(values) {
  return new URLSearchParams(Object.entries(values).filter(([, value]) => value !== null)).toString();
}

class ServerBackend {
  #listener = () => {};
  #tell = () => {};
  #trouble = ""; // what the last look has failed of

  constructor(facts) {
    this.facts = facts;
  }

  async latents(seed, first, count) {
    return new Float32Array(await (await ask(`latents?${query({ seed, first, count })}`)).arrayBuffer());
  }

  async draw(latents, labels, step) {
    const answer = await this.#drawn("draw", latents, labels, step);
    return { pixels: new Uint8ClampedArray(await answer.arrayBuffer()), step: Number(answer.headers.get("X-Step")) };
  }

  async animation(latents, labels, step, kind) {
    return (await this.#drawn(`animation/${kind}`, latents, labels, step)).blob();
  }

  /** Looks for new checkpoints while the page can be seen; `tell` hears when they cannot be had, and when again. */
  watch(callback, tell) {
    [this.#listener, this.#tell] = [callback, tell];
    setInterval(() => document.hidden || this.#look(), CHECKED);
    document.addEventListener("visibilitychange", () => document.hidden || this.#look());
  }

  /** One look; of a trouble that lasts no more than once is told. */
  async #look() {
    let trouble = "";
    try {
      await this.#follow();
    } catch (error) {
      trouble = error.message;
    }
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#tell(trouble || "The run can be read again.");
  }

  async #follow() {
    const { step, steps } = await (await ask("steps")).json();
    if (step === this.facts.step && steps.join() === this.facts.steps.join()) return;
    this.facts = withVectors(await (await ask("facts")).json());
    this.#listener(this.facts);
  }

  /** The answer to latents [n * size] and labels; where the step has gone, the list of steps is read anew. */
  async #drawn(path, latents, labels, step) {
    const count = latents.length / this.facts.latent_size;
    const body = new Blob(labels ? [latents, labels] : [latents]);
    try {
      return await ask(`${path}?${query({ count, step })}`, body);
    } catch (error) {
      if (error.status === 410) this.#look();
      throw error;
    }
  }
}

/** The backend, once the server has told what it has. */
export async function open() {
  return new ServerBackend(withVectors(await (await ask("facts")).json()));
}
