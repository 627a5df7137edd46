import { describe, expect, it } from "vitest";
import { merged } from "../src/ui";

const idOf = ({ id }: { id: number }) => String(id);
const rows = (...ids: number[]) => ids.map((id) => ({ id, state: "old" }));

describe("merged", () => {
  it("keeps what has left the newest page, after what is in it", () => {
    const newest = [{ id: 5, state: "new" }, { id: 4, state: "new" }];
    expect(merged(newest, rows(4, 3, 2), idOf)).toEqual([...newest, ...rows(3, 2)]);
  });
  it("adds older rows once", () => {
    expect(merged(rows(5, 4), rows(4, 3), idOf)).toEqual(rows(5, 4, 3));
  });
});
