"""SageMaker Processing で動く、最小のプログラム。"""

import json
import os

WORD = "word"


def main():
    print("Hello World!")
    print("こんにちは、世界。今日の合言葉は " + WORD + " です。")
    with open("/opt/ml/config/processingjobconfig.json", encoding="utf-8") as file:
        print("job: " + json.load(file)["ProcessingJobName"])
    print("region: " + os.environ.get("AWS_REGION", ""))


if __name__ == "__main__":
    main()
