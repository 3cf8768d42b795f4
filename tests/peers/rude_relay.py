# SPDX-License-Identifier: GPL-3.0-or-later
"""A script for smtp_peer that says anything at random: mostly what is polite,
else a refusal as it should be, or nonsense, silence and the end."""
POLITE = {"greeting": b"220 peer\r\n", "starttls": b"220 go\r\n",
          "mail": b"250 2.1.0 ok\r\n", "rcpt": b"250 2.1.5 ok\r\n",
          "data": b"354 go on\r\n", "chunk": b"250 2.0.0 more\r\n",
          "dot": b"250 2.0.0 kept\r\n",
          "rset": b"250 ok\r\n", "quit": b"221 bye\r\n"}
# How often a step is impolite. Seldom enough for letters behind one another.
RUDE = {"greeting": .02, "starttls": .02, "mail": .05, "rcpt": .1,
        "data": .08, "chunk": .1, "dot": .3, "rset": .1, "quit": .3}
CODES = [b"250", b"250", b"250", b"354", b"421", b"450", b"451", b"550",
         b"554", b"220", b"530", b"503", b"199", b"000", b"25", b""]
TEXTS = [b" ok", b" 2.0.0 kept", b" 4.3.0 later", b" 5.7.1 no", b"", b"-",
         b"- more", b" " + b"x" * 600]
ENDS = [b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b""]
REFUSED = {"mail", "rcpt", "data", "chunk", "dot"}


def rude(rng, step):
    """One well-formed refusal, or nonsense."""
    if step in REFUSED and rng.random() < .5:
        return rng.choice([b"451 4.3.0 later\r\n", b"550 5.7.1 no\r\n",
                           b"452-4.2.2 full\r\n452 4.2.2 now\r\n"])
    actions = [b"".join(rng.choice(CODES) + rng.choice(TEXTS) +
                        rng.choice(ENDS)
                        for _ in range(rng.choice([0, 1, 1, 2])))]
    if rng.random() < .3:
        actions.insert(rng.choice([0, 1]), POLITE[step])
    if rng.random() < .2:
        actions.insert(1, .02)
    if rng.random() < .4:
        actions.append(rng.choice(["close", "close", "reset", "hang"]))
    elif not any(isinstance(one, bytes) and one for one in actions):
        # Silent, and so for good: with further faults of its own behind that
        # nobody could count its replies.
        actions.append("hang")
    return actions


def script_of(rng):
    def choose(step):
        def say(session):
            session.perform(rude(rng, step) if rng.random() < RUDE[step]
                            else POLITE[step])
        return say
    return {step: choose(step) for step in POLITE}
