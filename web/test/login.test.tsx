import { cleanup, fireEvent, render, screen } from "@testing-library/preact";
import { afterEach, describe, expect, it } from "vitest";
import { Login } from "../src/live/Login";

afterEach(cleanup);

describe("the sign-in page", () => {
  it("is a plain form that goes to the server", () => {
    render(<Login base="/load" page={{ error: null, next: "/load/?tab=charts", csrf: "token" }} />);
    const form = document.querySelector("form");
    expect(form?.method).toBe("post");
    expect(form?.getAttribute("action")).toBe("/load/login?next=%2Fload%2F%3Ftab%3Dcharts");
    const values = Object.fromEntries(new FormData(form as HTMLFormElement));
    expect(values).toEqual({ username: "", password: "", csrf: "token", next: "/load/?tab=charts" });
    expect(screen.getByLabelText<HTMLInputElement>("Password").type).toBe("password");
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("says what was wrong, as text, and is sent once", () => {
    render(<Login base="" page={{ error: "wrong <b>name</b>", next: "/" }} />);
    expect(screen.getByRole("alert").textContent).toBe("wrong <b>name</b>");
    const button = screen.getByRole<HTMLButtonElement>("button", { name: "Sign in" });
    fireEvent.submit(document.querySelector("form") as HTMLFormElement);
    expect(button.disabled).toBe(true);
  });
});
