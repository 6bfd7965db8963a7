"""Count the words of lines.

python word_count.py worker
python word_count.py send lines '"to be or not to be"'
"""

import os

import faust

app = faust.App("word-count", broker=os.environ.get("BROKER_URL", "redis://localhost:6379"))

lines = app.topic("lines", value_type=str)
words = app.topic("words", key_type=str, value_type=str)
counts = app.Table("counts", default=int, key_type=str, value_type=int)


@app.agent(lines)
async def split(stream: faust.StreamT[str]) -> None:
    """Send each word under itself as key, so that one partition counts all of its occurrences."""
    async for line in stream:
        for word in line.lower().split():
            await words.send(key=word, value=word)


@app.agent(words)
async def count(stream: faust.StreamT[str]) -> None:
    """Count a word. The count and the offset of the word are committed together."""
    async for word in stream:
        counts[word] += 1
        print(f"{word}: {counts[word]}", flush=True)


if __name__ == "__main__":
    app.main()
